#include "session.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Macros of OpenSSL's headers, whose values have never changed. */
#define CTRL_SET_HOSTNAME     55
#define CTRL_SET_MIN_VERSION  123
#define CTRL_SET_MAX_VERSION  124
#define BIO_DO_HANDSHAKE      101
#define BIO_SET_SSL           109
#define WHERE_HANDSHAKE_START 0x10
#define WHERE_HANDSHAKE_DONE  0x20

static const char request[] = "GET / HTTP/1.0\r\n\r\n";

static struct {
    int calls;
    int wrong_argument;
} verify_seen;

static struct {
    int calls;
    int starts;
    int dones;
} info_seen;

static int accept_everything(void *store_ctx, void *argument)
{
    (void)store_ctx;
    verify_seen.calls++;
    if (argument != &verify_seen) {
        verify_seen.wrong_argument = 1;
    }
    return 1;
}

static int say_yes(int verified, void *store_ctx)
{
    (void)verified;
    (void)store_ctx;
    return 1;
}

static void count_info(const void *ssl, int where, int value)
{
    (void)ssl;
    (void)value;
    info_seen.calls++;
    info_seen.starts += (where & WHERE_HANDSHAKE_START) != 0;
    info_seen.dones += (where & WHERE_HANDSHAKE_DONE) != 0;
}

static int print_error(const char *text, size_t length, void *context)
{
    (void)context;
    printf("error %.*s", (int)length, text);
    return 1;
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(3);
    }
    return descriptor;
}

static void *new_context(const struct lab_api *api, const struct lab_options *options)
{
    void *ctx = api->SSL_CTX_new(api->TLS_client_method());
    if (ctx == NULL) {
        return NULL;
    }
    if (options->tls != 0) {
        long version = options->tls == 12 ? 0x0303 : 0x0304;
        (void)api->SSL_CTX_ctrl(ctx, CTRL_SET_MIN_VERSION, version, NULL);
        (void)api->SSL_CTX_ctrl(ctx, CTRL_SET_MAX_VERSION, version, NULL);
    }
    if (options->ca != NULL) {
        (void)api->SSL_CTX_load_verify_locations(ctx, options->ca, NULL);
        api->SSL_CTX_set_verify(ctx, 1, NULL);
    }
    if (options->yes) {
        api->SSL_CTX_set_verify(ctx, 1, say_yes);
    }
    if (options->callback) {
        api->SSL_CTX_set_cert_verify_callback(ctx, accept_everything, &verify_seen);
    }
    if (options->info) {
        int before = api->SSL_CTX_get_info_callback(ctx) == NULL;
        api->SSL_CTX_set_info_callback(ctx, count_info);
        int after = api->SSL_CTX_get_info_callback(ctx) == count_info;
        printf("info getter %s %s\n", before ? "null" : "not-null", after ? "same" : "other");
    }
    return ctx;
}

/* The first call on a new SSL; whether the request is still to be sent is left in *written. */
static int drive(const struct lab_api *api, void *ssl, enum lab_drive how, int *written)
{
    char first[1];
    int result = -1;
    void *bio = NULL;

    if (how != DRIVE_CONNECT) {
        api->SSL_set_connect_state(ssl);
    }
    switch (how) {
    case DRIVE_CONNECT:
        result = api->SSL_connect(ssl);
        break;
    case DRIVE_HANDSHAKE:
        result = api->SSL_do_handshake(ssl);
        break;
    case DRIVE_WRITE:
        result = api->SSL_write(ssl, request, (int)sizeof request - 1);
        *written = result > 0;
        break;
    case DRIVE_READ: /* the server must speak first */
        result = api->SSL_read(ssl, first, 1);
        break;
    case DRIVE_PEEK:
        result = api->SSL_peek(ssl, first, 1);
        break;
    case DRIVE_BIO:
        bio = api->BIO_new(api->BIO_f_ssl());
        (void)api->BIO_ctrl(bio, BIO_SET_SSL, 0, ssl);
        result = (int)api->BIO_ctrl(bio, BIO_DO_HANDSHAKE, 0, NULL);
        (void)api->BIO_free(bio);
        break;
    }
    return result > 0;
}

/* The rest of a connection after its handshake. Returns whether the server answered. */
static int converse(const struct lab_api *api, void *ssl, int written, int loud)
{
    char answer[512];
    int got = 0;

    if (!written && api->SSL_write(ssl, request, (int)sizeof request - 1) <= 0) {
        return 0;
    }
    for (int length = 0; (length = api->SSL_read(ssl, answer, (int)sizeof answer)) > 0;) {
        got = 1;
        if (loud) {
            (void)fwrite(answer, 1, (size_t)length, stdout);
        }
    }
    return got;
}

static int one_connection(const struct lab_api *api, const struct lab_options *options, void *ctx)
{
    int loud = options->count == 1;
    int written = 0;
    int descriptor = connect_to(options->port);
    void *ssl = api->SSL_new(ctx);

    if (ssl == NULL) {
        close(descriptor);
        return 0;
    }
    api->SSL_set_fd(ssl, descriptor);
    if (options->sni != NULL) {
        (void)api->SSL_ctrl(ssl, CTRL_SET_HOSTNAME, 0, (void *)(size_t)options->sni);
    }
    if (options->verify_name != NULL) {
        (void)api->SSL_set1_host(ssl, options->verify_name);
    }
    int answered = drive(api, ssl, options->drive, &written);
    if (answered) {
        if (loud) {
            printf("connected %s\n", api->SSL_get_version(ssl));
        }
        answered = converse(api, ssl, written, loud);
    } else {
        /* A program that does not look at results: what it sends then must not leave either. */
        (void)api->SSL_write(ssl, request, (int)sizeof request - 1);
    }
    if (!answered && loud) {
        api->ERR_print_errors_cb(print_error, NULL);
    }
    api->ERR_clear_error();
    (void)api->SSL_shutdown(ssl);
    api->SSL_free(ssl);
    close(descriptor);
    return answered;
}

/* Kilobytes resident, read without stdio so that looking does not itself allocate. */
static long resident(void)
{
    char text[128] = "";
    int descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (length <= 0) {
        return -1;
    }
    char *second = strchr(text, ' ');
    return second == NULL ? -1 : strtol(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void leak(void)
{
    void *volatile lost = malloc(64);
    if (lost != NULL) {
        memset(lost, 1, 64);
    }
    lost = NULL;
} /* NOLINT(clang-analyzer-unix.Malloc): a leak is what is wanted */

int lab_run(const struct lab_api *api, const struct lab_options *options)
{
    long answered = 0;
    void *ctx = NULL;

    /* The server may have gone away when a refused program writes; that is an error, not its end. */
    (void)signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("openssl %s\n", api->OpenSSL_version(0));
    for (long number = 1; number <= options->count; number++) {
        if (ctx == NULL) {
            ctx = new_context(api, options);
        }
        if (ctx == NULL) {
            api->ERR_print_errors_cb(print_error, NULL);
            return 1;
        }
        answered += one_connection(api, options, ctx);
        if (options->leak) {
            leak();
        }
        if (options->fresh) {
            api->SSL_CTX_free(ctx);
            ctx = NULL;
        }
        if (options->count > 1 && (number == 1000 || number == options->count)) {
            printf("resident %ld %ld\n", number, resident());
        }
    }
    api->SSL_CTX_free(ctx);
    if (options->callback) {
        printf("callback calls %d argument %s\n", verify_seen.calls,
               verify_seen.wrong_argument ? "wrong" : "right");
    }
    if (options->info) {
        printf("info calls %d starts %d dones %d\n", info_seen.calls, info_seen.starts, info_seen.dones);
    }
    printf("answered %ld of %ld\n", answered, options->count);
    return answered == options->count ? 0 : 1;
}
