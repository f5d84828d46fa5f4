#include "cli/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/deadline.h"
#include "cli/dial.h"
#include "policy/hostio.h"

enum { SECONDS_MAX = 10, REASON_BITS = 0xfff };

/* The first bytes of a record: RFC 8446, section 5.1. */
enum { RECORD_BEGIN = 5, CONTENT_FIRST = 20, CONTENT_LAST = 24, VERSION_MAJOR = 3 };

/* RFC 8446, section 6: the alerts for which there is something to do here. */
enum {
    ALERT_HANDSHAKE_FAILURE = 40,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_UNRECOGNIZED_NAME = 112,
    ALERT_MAX = 255
};

struct handshake {
    struct server *server;
    SSL *ssl;
    int fd;
    struct timespec deadline;
    unsigned char answer[RECORD_BEGIN]; /* how it begins */
    bool answered;                      /* that is known */
    char *why;
    size_t size;
};

/* OpenSSL's verify callback: all that is wanted is here, and the server may end the handshake after it. */
static int take_certificates(X509_STORE_CTX *store, void *context)
{
    struct server *server = context;
    const struct crypto *crypto = server->crypto;
    const struct ossl *ossl = &crypto->ossl;
    const SSL *ssl = ossl->X509_STORE_CTX_get_ex_data(store, ossl->SSL_get_ex_data_X509_STORE_CTX_idx());
    X509_STACK *sent = ossl->X509_STORE_CTX_get0_untrusted(store);
    if (server->sent == NULL && ossl_stack_count(ossl, sent) > 0) {
        server->sent = crypto->X509_chain_up_ref(sent);
        server->leaf = server->sent != NULL ? ossl_stack_at(ossl, server->sent, 0) : NULL;
        server->version = ossl->SSL_version(ssl);
    }
    return 1;
}

static bool fail(const struct handshake *handshake, const char *why)
{
    snprintf(handshake->why, handshake->size, "%s", why);
    return false;
}

/* OpenSSL's message callback: what came first tells more than the error to which it leads. */
static void note_answer(int write, int version, int content_type, const void *buffer, size_t length, SSL *ssl,
                        void *argument)
{
    struct handshake *handshake = argument;
    (void)version;
    (void)ssl;
    if (write != 0 || content_type != CRYPTO_RT_HEADER || handshake->answered || length < RECORD_BEGIN)
        return;
    memcpy(handshake->answer, buffer, RECORD_BEGIN);
    handshake->answered = true;
}

static bool is_tls(const struct handshake *handshake)
{
    const unsigned char *answer = handshake->answer;
    return answer[0] >= CONTENT_FIRST && answer[0] <= CONTENT_LAST && answer[1] == VERSION_MAJOR;
}

static bool fail_by_another_protocol(const struct handshake *handshake)
{
    bool http = memcmp(handshake->answer, "HTTP/", RECORD_BEGIN) == 0;
    return fail(handshake,
                http ? "it does not speak TLS on that port, but plain HTTP; give the port of HTTPS"
                     : "it does not speak TLS on that port; give a port on which TLS starts at once");
}

static bool fail_by_time(const struct handshake *handshake)
{
    snprintf(handshake->why, handshake->size,
             handshake->answered
                 ? "the TLS handshake did not end within %d seconds; try it with 'openssl s_client'"
                 : "no answer to the TLS handshake within %d seconds; check that it speaks TLS on that port",
             SECONDS_MAX);
    return false;
}

/* For the callback, which is told nothing of the handshake. The command makes one connection. */
static struct timespec read_until;

/*
 * OpenSSL's BIO callback: in one call of SSL_connect() it reads on and on, as long as what comes is to be
 * ignored. Nothing is read after the deadline.
 */
static long keep_deadline(BIO *bio, int operation, const char *argp, size_t length, int argi, long argl,
                          int ret, size_t *processed)
{
    (void)bio;
    (void)argp;
    (void)length;
    (void)argi;
    (void)argl;
    (void)processed;
    return operation != OSSL_BIO_CB_READ || deadline_left(&read_until) > 0 ? ret : 0;
}

static bool wait_for(struct handshake *handshake, short events)
{
    struct pollfd polled = {handshake->fd, events, 0};
    int ready;
    do
        ready = poll(&polled, 1, deadline_left(&handshake->deadline));
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return fail(handshake, strerror(errno));
    return ready > 0 || fail_by_time(handshake);
}

static bool fail_by_alert(const struct handshake *handshake, int alert)
{
    const char *what_to_do = "see what the log of the server says";
    if (handshake->server->leaf != NULL)
        what_to_do = "it may ask for a client certificate, and none is sent here";
    else if (alert == ALERT_UNRECOGNIZED_NAME)
        what_to_do = "give the name that it has, with --servername";
    else if (alert == ALERT_HANDSHAKE_FAILURE || alert == ALERT_PROTOCOL_VERSION)
        what_to_do =
            "try another --servername, or a newer OpenSSL: they may have no version or cipher in common";
    snprintf(handshake->why, handshake->size, "it ended the handshake with the alert \"%s\"; %s",
             handshake->server->crypto->SSL_alert_desc_string_long(alert), what_to_do);
    return false;
}

static bool explain(const struct handshake *handshake, int error, int system_error)
{
    const struct crypto *crypto = handshake->server->crypto;
    unsigned long queued = crypto->ossl.ERR_peek_last_error();
    int reason = (int)(queued & REASON_BITS);
    if (handshake->answered && !is_tls(handshake))
        return fail_by_another_protocol(handshake);
    if (queued != 0 && reason >= CRYPTO_R_ALERT_OFFSET && reason <= CRYPTO_R_ALERT_OFFSET + ALERT_MAX)
        return fail_by_alert(handshake, reason - CRYPTO_R_ALERT_OFFSET);
    bool closed = (queued == 0 && (error == CRYPTO_ERROR_SYSCALL || error == CRYPTO_ERROR_ZERO_RETURN) &&
                   (system_error == 0 || system_error == ECONNRESET || system_error == EPIPE)) ||
                  (queued != 0 && reason == CRYPTO_R_UNEXPECTED_EOF);
    if (closed)
        return fail(handshake,
                    handshake->answered
                        ? "it closed the connection in the handshake; see what its log says"
                        : "it closed the connection when the TLS handshake began; check that it speaks "
                          "TLS on that port");
    const char *words = queued != 0 ? crypto->ERR_reason_error_string(queued) : strerror(system_error);
    snprintf(handshake->why, handshake->size, "the TLS handshake failed: %s; try it with 'openssl s_client'",
             words != NULL ? words : "no reason is known");
    return false;
}

static bool shake_hands(struct handshake *handshake)
{
    const struct crypto *crypto = handshake->server->crypto;
    read_until = handshake->deadline;
    crypto->ossl.BIO_set_callback_ex(crypto->ossl.SSL_get_rbio(handshake->ssl), keep_deadline);
    while (true) {
        errno = 0;
        crypto->ERR_clear_error();
        int ret = crypto->ossl.SSL_connect(handshake->ssl);
        int system_error = errno;
        if (ret == 1)
            return handshake->server->leaf != NULL ||
                   fail(handshake, "it showed no certificate; check that this is the server that you mean");
        if (deadline_left(&handshake->deadline) == 0)
            return fail_by_time(handshake);
        int error = crypto->SSL_get_error(handshake->ssl, ret);
        if (error != CRYPTO_ERROR_WANT_READ && error != CRYPTO_ERROR_WANT_WRITE)
            return explain(handshake, error, system_error);
        if (!wait_for(handshake, error == CRYPTO_ERROR_WANT_READ ? POLLIN : POLLOUT))
            return false;
    }
}

/* So that old servers show their certificate too; what a program would accept is not asked here. */
static bool set_up(struct handshake *handshake, const char *servername)
{
    const struct crypto *crypto = handshake->server->crypto;
    SSL *ssl = handshake->ssl;
    handshake->server->security_level = crypto->ossl.SSL_get_security_level(ssl);
    crypto->SSL_set_options(ssl, CRYPTO_OP_LEGACY_SERVER_CONNECT);
    crypto->ossl.SSL_ctrl(ssl, CRYPTO_CTRL_SET_MIN_VERSION, 0, NULL);
    crypto->ossl.SSL_set_verify(ssl, OSSL_VERIFY_NONE, NULL);
    crypto->SSL_set_msg_callback(ssl, note_answer);
    crypto->ossl.SSL_ctrl(ssl, CRYPTO_CTRL_SET_MSG_ARG, 0, handshake);
    return crypto->SSL_set_cipher_list(ssl, "ALL:!aNULL:!PSK:!SRP:@SECLEVEL=0") == 1 &&
           crypto->SSL_set_fd(ssl, handshake->fd) == 1 &&
           (servername == NULL ||
            crypto->ossl.SSL_ctrl(ssl, CRYPTO_CTRL_SET_HOSTNAME, OSSL_NAMETYPE_HOST_NAME,
                                  (void *)(uintptr_t)servername) == 1);
}

static void talk(struct handshake *handshake, const char *servername)
{
    const struct crypto *crypto = handshake->server->crypto;
    SSL_CTX *context = crypto->SSL_CTX_new(crypto->TLS_client_method());
    if (context != NULL) {
        crypto->ossl.SSL_CTX_set_cert_verify_callback(context, take_certificates, handshake->server);
        handshake->ssl = crypto->ossl.SSL_new(context);
    }
    if (handshake->ssl != NULL && set_up(handshake, servername)) {
        handshake->server->finished = shake_hands(handshake);
        if (handshake->server->finished)
            crypto->SSL_shutdown(handshake->ssl);
    } else {
        fail(handshake, "OpenSSL cannot be set up for a connection; see its configuration file, openssl.cnf");
    }
    crypto->SSL_free(handshake->ssl);
    crypto->SSL_CTX_free(context);
    crypto->ERR_clear_error();
}

static void find_address(struct server *server, int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    uint16_t port;
    server->address.kind = DOMAIN_ALL;
    if (getpeername(fd, (struct sockaddr *)&address, &length) == 0 &&
        domain_from_sockaddr((struct sockaddr *)&address, &server->address, &port))
        domain_as_reached(&server->address);
}

bool server_open(struct server *server, const struct crypto *crypto, const struct host *host,
                 const char *servername, char *why, size_t size)
{
    struct handshake handshake = {.server = server, .why = why, .size = size};
    struct hostio io;
    *server = (struct server){.crypto = crypto};
    handshake.fd = dial(host, 1000 * SECONDS_MAX, &handshake.deadline, why, size);
    if (handshake.fd < 0)
        return false;
    find_address(server, handshake.fd);
    hostio_enter(&io); /* no SIGPIPE where the server closes first */
    talk(&handshake, servername);
    hostio_leave(&io);
    close(handshake.fd);
    return server->leaf != NULL;
}

void server_close(struct server *server)
{
    const struct ossl *ossl = &server->crypto->ossl;
    for (int i = 0; i < ossl_stack_count(ossl, server->sent); i++)
        ossl->X509_free(ossl_stack_at(ossl, server->sent, i));
    if (server->sent != NULL)
        server->crypto->ossl.OPENSSL_sk_free((OPENSSL_STACK *)server->sent);
    server->sent = NULL;
    server->leaf = NULL;
}
