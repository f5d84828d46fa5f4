/*
 * A client that does as it is told: a line of standard input is an order, answered by a line. One SSL_CTX,
 * one connection at a time. Every function is found by name, so it runs with each line of OpenSSL: as a
 * program that is linked with it would find them, or, with UPSTREAM_HIDDEN in the environment, past every
 * hook.
 *
 * context NUMBER [pha]           a new SSL_CTX; NUMBER: 12, 13, 0 (any)
 * own CERTIFICATE KEY            the SSL_CTX has a certificate of its own
 * own - KEY, own CERTIFICATE -   has one half of it
 * callback CERTIFICATE KEY       it is set by a certificate callback; `callback none` takes that away
 * client-callback CERTIFICATE KEY   by a client certificate callback
 * sigalgs LIST                   SSL_CTX_set1_sigalgs_list
 * level NUMBER                   SSL_CTX_set_security_level
 * connect NAME PORT              on a new SSL; NAME -: none is sent
 * again NAME PORT                on the same one, by SSL_clear
 * new                            makes the SSL of the next connection, and a callback comes too late for it
 * clear                          takes the certificates out of the SSL, SSL_certs_clear
 * set - KEY, set CERTIFICATE -   the SSL gets one half of a certificate
 * ssl-callback CERTIFICATE KEY   SSL_set_cert_cb
 * counting, counted              a certificate callback that counts its calls; how many there were
 * suspend                        the next client certificate callback wants to be called again
 * look                           the start of a handshake with nobody, on another SSL
 * who                            asks the server who this is
 * ask                            has the server ask for a certificate after the handshake (TLS 1.3)
 * renegotiate                    (TLS 1.2)
 * keep | keep stored             keeps the session, the latter through i2d_SSL_SESSION(3)
 * resume                         the next connection offers it
 * copy                           SSL_dup before the next connection
 * shift CERTIFICATE KEY          SSL_set_SSL_CTX to a context with this certificate before the next
 * connection resolve NAME                   asks the resolver chroot DIRECTORY               the root
 * directory fork                           goes on in a child
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CTRL_SET_HOSTNAME     55
#define WANT_X509_LOOKUP      4
#define CTRL_SET_SIGALGS_LIST 98
#define CTRL_SET_MIN_VERSION  123
#define CTRL_SET_MAX_VERSION  124

typedef int cert_cb(void *ssl, void *arg);
typedef int client_cert_cb(void *ssl, void **certificate, void **key);

#define FUNCTIONS(F)                                                                                         \
    F(void *, TLS_client_method, (void))                                                                     \
    F(void *, SSL_CTX_new, (void *))                                                                         \
    F(void, SSL_CTX_free, (void *))                                                                          \
    F(long, SSL_CTX_ctrl, (void *, int, long, void *))                                                       \
    F(long, SSL_ctrl, (void *, int, long, void *))                                                           \
    F(void, SSL_CTX_set_post_handshake_auth, (void *, int))                                                  \
    F(void, SSL_CTX_set_security_level, (void *, int))                                                       \
    F(int, SSL_CTX_use_certificate_file, (void *, const char *, int))                                        \
    F(int, SSL_CTX_use_PrivateKey_file, (void *, const char *, int))                                         \
    F(int, SSL_use_certificate_file, (void *, const char *, int))                                            \
    F(int, SSL_use_PrivateKey_file, (void *, const char *, int))                                             \
    F(void, SSL_CTX_set_cert_cb, (void *, cert_cb *, void *))                                                \
    F(void, SSL_set_cert_cb, (void *, cert_cb *, void *))                                                    \
    F(void, SSL_certs_clear, (void *))                                                                       \
    F(int, SSL_get_error, (const void *, int))                                                               \
    F(void, SSL_CTX_set_client_cert_cb, (void *, client_cert_cb *))                                          \
    F(void *, SSL_get_certificate, (const void *))                                                           \
    F(void *, SSL_get_privatekey, (const void *))                                                            \
    F(void *, SSL_new, (void *))                                                                             \
    F(void *, SSL_dup, (void *))                                                                             \
    F(void *, SSL_set_SSL_CTX, (void *, void *))                                                             \
    F(int, SSL_clear, (void *))                                                                              \
    F(void, SSL_free, (void *))                                                                              \
    F(int, SSL_set_fd, (void *, int))                                                                        \
    F(int, SSL_connect, (void *))                                                                            \
    F(int, SSL_do_handshake, (void *))                                                                       \
    F(int, SSL_renegotiate, (void *))                                                                        \
    F(int, SSL_session_reused, (const void *))                                                               \
    F(int, SSL_read, (void *, void *, int))                                                                  \
    F(int, SSL_write, (void *, const void *, int))                                                           \
    F(int, SSL_shutdown, (void *))                                                                           \
    F(void *, SSL_get1_session, (void *))                                                                    \
    F(int, SSL_set_session, (void *, void *))                                                                \
    F(void, SSL_SESSION_free, (void *))                                                                      \
    F(int, i2d_SSL_SESSION, (const void *, unsigned char **))                                                \
    F(void *, d2i_SSL_SESSION, (void **, const unsigned char **, long))                                      \
    F(int, X509_up_ref, (void *))                                                                            \
    F(int, EVP_PKEY_up_ref, (void *))                                                                        \
    F(unsigned long, ERR_get_error, (void))                                                                  \
    F(void, ERR_clear_error, (void))                                                                         \
    F(void, ERR_error_string_n, (unsigned long, char *, size_t))

#define DECLARE(type, name, parameters) type(*name) parameters;
static struct {
    FUNCTIONS(DECLARE)
} api;

static void *context;
static void *ssl;
static void *session;
static void *shifted;
static void *ready; /* made for the next connection */
static int suspends;
static int calls;
static int offer;
static int copies;
static char own[2][512]; /* of the callbacks */

static void find_functions(void)
{
    static const char *const names[] = {"libssl.so.4", "libssl.so.3", "libssl.so.1.1"};
    void *handle = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && handle == NULL; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
    if (handle == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(3);
    }
    if (getenv("UPSTREAM_HIDDEN") == NULL)
        handle = RTLD_DEFAULT;
#define FIND(type, name, parameters)                                                                         \
    {                                                                                                        \
        void *found = dlsym(handle, #name);                                                                  \
        if (found == NULL)                                                                                   \
            exit(4);                                                                                         \
        memcpy(&api.name, &found, sizeof found);                                                             \
    }
    FUNCTIONS(FIND)
}

static int set_own(void *on, void *arg)
{
    (void)arg;
    return api.SSL_use_certificate_file(on, own[0], 1) == 1 &&
           api.SSL_use_PrivateKey_file(on, own[1], 1) == 1;
}

static int count_call(void *on, void *arg)
{
    (void)on;
    (void)arg;
    calls++;
    return 1;
}

/* The file is read into an SSL_CTX of its own. */
static int give_own(void *on, void **certificate, void **key)
{
    if (suspends-- > 0)
        return -1;
    void *reader = api.SSL_CTX_new(api.TLS_client_method());
    api.SSL_CTX_use_certificate_file(reader, own[0], 1);
    api.SSL_CTX_use_PrivateKey_file(reader, own[1], 1);
    void *from = api.SSL_new(reader);
    (void)on;
    *certificate = api.SSL_get_certificate(from);
    *key = api.SSL_get_privatekey(from);
    api.X509_up_ref(*certificate);
    api.EVP_PKEY_up_ref(*key);
    api.SSL_free(from);
    api.SSL_CTX_free(reader);
    return 1;
}

static void new_context(long version, int after)
{
    long number = version == 12 ? 0x0303 : version == 13 ? 0x0304 : 0;
    context = api.SSL_CTX_new(api.TLS_client_method());
    (void)api.SSL_CTX_ctrl(context, CTRL_SET_MIN_VERSION, number, NULL);
    (void)api.SSL_CTX_ctrl(context, CTRL_SET_MAX_VERSION, number, NULL);
    if (after)
        api.SSL_CTX_set_post_handshake_auth(context, 1);
}

static int dial(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((unsigned short)strtoul(port, NULL, 10))};
    int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(plain, (struct sockaddr *)&address, sizeof address) != 0)
        exit(5);
    return plain;
}

static void tell_failure(const char *what)
{
    char text[256];
    unsigned long error = api.ERR_get_error();
    api.ERR_error_string_n(error, text, sizeof text);
    printf("%s: %s\n", what, text);
    api.ERR_clear_error();
}

static void shake(const char *name, const char *port)
{
    static int plain = -1;
    if (plain >= 0)
        close(plain);
    plain = dial(port);
    if (copies) {
        void *copy = api.SSL_dup(ssl);
        api.SSL_free(ssl);
        ssl = copy;
    }
    copies = 0;
    api.SSL_ctrl(ssl, CTRL_SET_HOSTNAME, 0, strcmp(name, "-") == 0 ? NULL : (void *)(size_t)name);
    if (offer)
        api.SSL_set_session(ssl, session);
    offer = 0;
    if (shifted != NULL)
        api.SSL_set_SSL_CTX(ssl, shifted);
    shifted = NULL;
    api.SSL_set_fd(ssl, plain);
    int result;
    do
        result = api.SSL_connect(ssl);
    while (result != 1 && api.SSL_get_error(ssl, result) == WANT_X509_LOOKUP);
    if (result != 1)
        tell_failure("refused");
    else if (api.ERR_get_error() != 0)
        printf("connected, and left an error\n");
    else
        printf("connected%s\n", api.SSL_session_reused(ssl) ? ", resumed" : "");
}

static void look(void)
{
    int nobody = open("/dev/null", O_RDWR | O_CLOEXEC);
    void *other = api.SSL_new(context);
    api.SSL_set_fd(other, nobody);
    (void)api.SSL_connect(other);
    api.SSL_free(other);
    api.ERR_clear_error();
    close(nobody);
}

static int converse(const char *order, char answer[1024])
{
    size_t used = 0;
    if (api.SSL_write(ssl, order, (int)strlen(order)) <= 0)
        return 0;
    while (used < 1023 && (used == 0 || answer[used - 1] != '\n')) {
        int got = api.SSL_read(ssl, answer + used, (int)(1023 - used));
        if (got <= 0)
            return 0;
        used += (size_t)got;
    }
    answer[used] = '\0';
    return 1;
}

static void ask(const char *order)
{
    char answer[1024];
    if (converse(order, answer))
        printf("%s", answer);
    else
        tell_failure("failed");
}

static void keep(int stored)
{
    unsigned char *bytes = NULL;
    if (session != NULL)
        api.SSL_SESSION_free(session);
    session = api.SSL_get1_session(ssl);
    if (stored) {
        int length = api.i2d_SSL_SESSION(session, &bytes);
        const unsigned char *at = bytes;
        api.SSL_SESSION_free(session);
        session = api.d2i_SSL_SESSION(NULL, &at, length);
    }
    printf("kept\n");
}

static void renegotiate(void)
{
    if (api.SSL_renegotiate(ssl) == 1 && api.SSL_do_handshake(ssl) == 1)
        ask("who\n");
    else
        tell_failure("refused");
}

static void go_on_in_child(void)
{
    int status;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        printf("done\n");
        return;
    }
    waitpid(child, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 6);
}

static void replace(const char *certificate, const char *key)
{
    shifted = api.SSL_CTX_new(api.TLS_client_method());
    api.SSL_CTX_use_certificate_file(shifted, certificate, 1);
    api.SSL_CTX_use_PrivateKey_file(shifted, key, 1);
}

/* What is done without a word; 0: it is none of these. */
static int prepare(char *word[4])
{
    if (strcmp(word[0], "context") == 0) {
        find_functions();
        new_context(strtol(word[1], NULL, 10), strcmp(word[2], "pha") == 0);
    } else if (strcmp(word[0], "own") == 0) {
        if (strcmp(word[1], "-") != 0)
            api.SSL_CTX_use_certificate_file(context, word[1], 1);
        if (strcmp(word[2], "-") != 0)
            api.SSL_CTX_use_PrivateKey_file(context, word[2], 1);
    } else if (strcmp(word[0], "counting") == 0) {
        api.SSL_CTX_set_cert_cb(context, count_call, NULL);
    } else if (strcmp(word[0], "suspend") == 0) {
        suspends = 1;
    } else if (strcmp(word[0], "look") == 0) {
        look();
    } else if (strcmp(word[0], "callback") == 0 || strcmp(word[0], "client-callback") == 0) {
        (void)snprintf(own[0], sizeof own[0], "%s", word[1]);
        (void)snprintf(own[1], sizeof own[1], "%s", word[2]);
        if (word[0][1] == 'l')
            api.SSL_CTX_set_client_cert_cb(context, give_own);
        else
            api.SSL_CTX_set_cert_cb(context, strcmp(word[1], "none") == 0 ? NULL : set_own, NULL);
    } else if (strcmp(word[0], "sigalgs") == 0) {
        api.SSL_CTX_ctrl(context, CTRL_SET_SIGALGS_LIST, 0, word[1]);
    } else if (strcmp(word[0], "level") == 0) {
        api.SSL_CTX_set_security_level(context, (int)strtol(word[1], NULL, 10));
    } else if (strcmp(word[0], "resume") == 0) {
        offer = 1;
    } else if (strcmp(word[0], "resolve") == 0) {
        struct addrinfo *found = NULL;
        if (getaddrinfo(word[1], NULL, NULL, &found) == 0)
            freeaddrinfo(found);
    } else if (strcmp(word[0], "copy") == 0) {
        copies = 1;
    } else if (strcmp(word[0], "shift") == 0) {
        replace(word[1], word[2]);
    } else if (strcmp(word[0], "chroot") == 0) {
        if (chroot(word[1]) != 0 || chdir("/") != 0)
            exit(7);
    } else {
        return 0;
    }
    printf("done\n");
    return 1;
}

/* What is done to the SSL between two connections; 0: it is none of these. */
static int change(char *word[4])
{
    if (strcmp(word[0], "new") == 0) {
        ready = api.SSL_new(context);
    } else if (strcmp(word[0], "clear") == 0) {
        api.SSL_certs_clear(ssl);
    } else if (strcmp(word[0], "set") == 0) {
        if (strcmp(word[1], "-") != 0)
            api.SSL_use_certificate_file(ssl, word[1], 1);
        if (strcmp(word[2], "-") != 0)
            api.SSL_use_PrivateKey_file(ssl, word[2], 1);
    } else if (strcmp(word[0], "ssl-callback") == 0) {
        (void)snprintf(own[0], sizeof own[0], "%s", word[1]);
        (void)snprintf(own[1], sizeof own[1], "%s", word[2]);
        api.SSL_set_cert_cb(ssl, set_own, NULL);
    } else {
        return 0;
    }
    printf("done\n");
    return 1;
}

static void obey(char *word[4])
{
    if (prepare(word) || change(word))
        return;
    if (strcmp(word[0], "connect") == 0) {
        /* Else its session counts as bad. */
        if (ssl != NULL)
            api.SSL_shutdown(ssl);
        if (ssl != NULL)
            api.SSL_free(ssl);
        ssl = ready != NULL ? ready : api.SSL_new(context);
        ready = NULL;
        shake(word[1], word[2]);
    } else if (strcmp(word[0], "again") == 0) {
        api.SSL_shutdown(ssl);
        api.SSL_clear(ssl);
        shake(word[1], word[2]);
    } else if (strcmp(word[0], "who") == 0) {
        ask("who\n");
    } else if (strcmp(word[0], "counted") == 0) {
        printf("%d\n", calls);
    } else if (strcmp(word[0], "ask") == 0) {
        ask("ask\n");
    } else if (strcmp(word[0], "renegotiate") == 0) {
        renegotiate();
    } else if (strcmp(word[0], "keep") == 0) {
        keep(strcmp(word[1], "stored") == 0);
    } else if (strcmp(word[0], "fork") == 0) {
        go_on_in_child();
    } else {
        printf("what?\n");
    }
}

int main(void)
{
    static char line[2048];
    static char none[] = "";
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *word[4] = {none, none, none, none};
        char *rest = line;
        for (int i = 0; i < 4; i++) {
            char *found = strtok_r(rest, " \n", &rest);
            word[i] = found == NULL ? none : found;
        }
        obey(word);
        (void)fflush(stdout);
    }
    return 0;
}
