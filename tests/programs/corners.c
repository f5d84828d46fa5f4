/*
 * Corners of OpenSSL's interface that real programs use seldom. corners CASE PORT [PORT2], or
 * corners renegotiate CHAIN KEY; prints what each call answered, a line each.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <malloc.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.0\r\n\r\n";

SSL_CTX *early_context(void);

static int dial(const char *port)
{
    int plain = socket(AF_INET, SOCK_STREAM, 0);
    unsigned long number = port == NULL ? 0 : strtoul(port, NULL, 10);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)number)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(plain, (struct sockaddr *)&address, sizeof address) != 0)
        exit(2);
    return plain;
}

static void aim(SSL *ssl, const char *port)
{
    SSL_set_tlsext_host_name(ssl, "localhost");
    SSL_set_fd(ssl, dial(port));
}

static void shake(SSL *ssl)
{
    int made = SSL_connect(ssl);
    printf("connect %d\n", made);
    ERR_print_errors_fp(stdout);
    if (made == 1)
        printf("write %d\n", SSL_write(ssl, request, (int)strlen(request)));
}

static SSL *new_ssl(void)
{
    return SSL_new(SSL_CTX_new(TLS_client_method()));
}

/* The first context is made by a library's constructor. */
static void early(const char *port, const char *unused)
{
    SSL *ssl = SSL_new(early_context());
    (void)unused;
    aim(ssl, port);
    shake(ssl);
}

/* An SSL that did not verify is refused, cleared, and used again with verification but without a CA. */
static void clear(const char *port, const char *second)
{
    SSL *ssl = new_ssl();
    aim(ssl, port);
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    shake(ssl);
    SSL_clear(ssl);
    aim(ssl, second);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    shake(ssl);
    printf("mode %d\n", SSL_get_verify_mode(ssl));
}

/* The same, but the program leaves the mode as it was: it must be that again. */
static void again(const char *port, const char *second)
{
    SSL *ssl = new_ssl();
    aim(ssl, port);
    shake(ssl);
    SSL_clear(ssl);
    aim(ssl, second);
    shake(ssl);
    printf("mode %d\n", SSL_get_verify_mode(ssl));
}

static int always(X509_STORE_CTX *store, void *argument)
{
    (void)store;
    (void)argument;
    return 1;
}

typedef void verify_setter(SSL_CTX *context, int (*callback)(X509_STORE_CTX *, void *), void *argument);

/* Shakes hands through memory BIOs, and then writes. */
static void carry(SSL *ssl, BIO *in, BIO *out, const char *port)
{
    static char bytes[20000];
    int plain = dial(port);
    int made = -1;
    int length;
    for (int i = 0; i < 20; i++) {
        made = SSL_do_handshake(ssl);
        int wants = SSL_get_error(ssl, made);
        while ((length = BIO_read(out, bytes, sizeof bytes)) > 0)
            send(plain, bytes, (size_t)length, MSG_NOSIGNAL);
        if (made == 1 || wants != SSL_ERROR_WANT_READ ||
            (length = (int)recv(plain, bytes, sizeof bytes, 0)) <= 0)
            break;
        BIO_write(in, bytes, length);
    }
    printf("connect %d\n", made);
    printf("write %d\n", SSL_write(ssl, request, (int)strlen(request)));
    length = BIO_read(out, bytes, sizeof bytes);
    printf("out %d\n", length > 0);
    send(plain, bytes, length > 0 ? (size_t)length : 0, MSG_NOSIGNAL);
    close(plain);
}

/*
 * Memory BIOs that the program holds on to, and a verify callback that was set past every hook. Then the same
 * SSL with the same BIOs again.
 */
static void memory(const char *port, const char *second)
{
    SSL *ssl = new_ssl();
    union {
        void *address;
        verify_setter *function;
    } setter = {.address = dlsym(dlopen("libssl.so.3", RTLD_LAZY), "SSL_CTX_set_cert_verify_callback")};
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    setter.function(SSL_get_SSL_CTX(ssl), always, NULL);
    SSL_set_tlsext_host_name(ssl, "localhost");
    SSL_set_connect_state(ssl);
    SSL_set_bio(ssl, in, out);
    carry(ssl, in, out, port);
    ERR_clear_error();
    (void)BIO_reset(in);
    (void)BIO_reset(out);
    SSL_clear(ssl);
    SSL_set_bio(ssl, in, out);
    carry(ssl, in, out, second);
    SSL_free(ssl);
}

/* A library context of its own, and no provider in the default one. */
static void provider(const char *port, const char *unused)
{
    (void)unused;
    OSSL_PROVIDER_load(NULL, "null");
    SSL *ssl = SSL_new(SSL_CTX_new_ex(OSSL_LIB_CTX_new(), NULL, TLS_client_method()));
    aim(ssl, port);
    shake(ssl);
}

/* SNI and the name to be verified differ. */
static void names(const char *port, const char *unused)
{
    SSL *ssl = new_ssl();
    (void)unused;
    SSL_set1_host(ssl, "other.example");
    aim(ssl, port);
    SSL_set_tlsext_host_name(ssl, "one.example");
    shake(ssl);
}

static void ignore(const SSL *ssl, int where, int answer)
{
    (void)ssl;
    (void)where;
    (void)answer;
}

/* Copies of an SSL with an info callback of its own: what is kept for it must go with it. */
static void duplicates(const char *port, const char *unused)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    size_t before = 0;
    (void)port;
    (void)unused;
    SSL_CTX_set_info_callback(context, ignore);
    SSL *ssl = SSL_new(context);
    SSL_set_info_callback(ssl, ignore);
    for (int i = 0; i < 10000; i++) {
        SSL_free(SSL_dup(ssl));
        if (i == 100)
            before = mallinfo2().uordblks;
    }
    printf("grown %ld\n", (long)(mallinfo2().uordblks - before));
}

static int notices;

static void count(const SSL *ssl, int where, int answer)
{
    (void)ssl;
    (void)where;
    (void)answer;
    notices++;
}

/* libssl's own function, past every hook. */
static void *past_hooks(const char *name)
{
    Dl_info libssl;
    dladdr((const void *)SSL_CTX_new, &libssl);
    return dlsym(dlopen(libssl.dli_fname, RTLD_LAZY | RTLD_NOLOAD), name);
}

static int notices_of(SSL *ssl)
{
    notices = 0;
    SSL_connect(ssl);
    return notices;
}

/* An info callback is called no more when it was removed, by a hooked call or past the hooks. */
static void removed(const char *port, const char *unused)
{
    void (*set)(SSL *, void (*)(const SSL *, int, int)) = past_hooks("SSL_set_info_callback");
    void (*set_for_all)(SSL_CTX *, void (*)(const SSL *, int, int)) = past_hooks("SSL_CTX_set_info_callback");
    (void)port;
    (void)unused;
    SSL *ssl = new_ssl();
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_info_callback(ssl, count);
    printf("hooked %d", notices_of(ssl) > 0);
    set(ssl, NULL);
    printf(" removed %d\n", notices_of(ssl));
    ssl = new_ssl();
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    set_for_all(SSL_get_SSL_CTX(ssl), count);
    printf("past %d", notices_of(ssl) > 0);
    SSL_CTX_set_info_callback(SSL_get_SSL_CTX(ssl), NULL);
    printf(" removed %d\n", notices_of(ssl));
}

/* One step of a handshake, or of whatever else is to be read. */
static void step(SSL *ssl)
{
    char bytes[64];
    SSL_read(ssl, bytes, sizeof bytes);
}

static void take_turns(SSL *client, SSL *server)
{
    for (int i = 0; i < 10; i++) {
        step(client);
        step(server);
    }
}

/* Appends LAB_APPEND to the policy, and waits until it is looked at again: that is done once a second. */
static void append_to_policy(void)
{
    const struct timespec second = {1, 200000000};
    const char *text = getenv("LAB_APPEND");
    FILE *policy = fopen(getenv("TLSGRAFT_POLICY"), "a");
    if (policy == NULL || text == NULL || fputs(text, policy) < 0 || fclose(policy) != 0)
        exit(2);
    nanosleep(&second, NULL);
}

/*
 * Client and server of TLS 1.2 in this process. After the handshake the policy changes, and then the server
 * asks for another handshake, for which the client offers its session.
 */
static void renegotiate(const char *chain, const char *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL *client = new_ssl();
    BIO *ends[2];
    char bytes[64];
    SSL_CTX_use_certificate_chain_file(context, chain);
    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"lab", 3);
    SSL *server = SSL_new(context);
    BIO_new_bio_pair(&ends[0], 0, &ends[1], 0);
    SSL_set_bio(client, ends[0], ends[0]);
    SSL_set_bio(server, ends[1], ends[1]);
    SSL_set_max_proto_version(client, TLS1_2_VERSION);
    SSL_set_tlsext_host_name(client, "localhost");
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    take_turns(client, server);
    printf("first %d\n", SSL_is_init_finished(client) && SSL_is_init_finished(server));
    append_to_policy();
    SSL_renegotiate(server);
    SSL_do_handshake(server);
    take_turns(client, server);
    printf("second %ld reused %d\n", SSL_total_renegotiations(client), SSL_session_reused(client));
    ERR_print_errors_fp(stdout);
    printf("write %d\n", SSL_write(client, request, (int)strlen(request)));
    printf("read %d\n", SSL_read(server, bytes, sizeof bytes));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(const char *port, const char *second);
    } cases[] = {
        {"early", early},       {"clear", clear}, {"again", again},           {"memory", memory},
        {"provider", provider}, {"names", names}, {"duplicates", duplicates}, {"renegotiate", renegotiate},
        {"removed", removed}};
    for (size_t i = 0; argc > 2 && i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run(argv[2], argc > 3 ? argv[3] : NULL);
            return 0;
        }
    }
    return 2;
}
