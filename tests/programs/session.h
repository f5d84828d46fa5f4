/*
 * One TLS client, driven in every way a program can drive OpenSSL. client.c reaches OpenSSL with dlsym
 * alone, linked.c and plugin.c by ordinary linking; what they do with it is here, once.
 *
 * No OpenSSL header is needed: every object is opaque, and the prototypes are those of 1.1.1 to 4.0.
 */
#ifndef LAB_SESSION_H
#define LAB_SESSION_H

#include <stddef.h>

typedef int lab_verify(void *store_ctx, void *argument);
typedef int lab_accept(int verified, void *store_ctx);
typedef void lab_info(const void *ssl, int where, int value);
typedef int lab_print(const char *text, size_t length, void *context);

/* Return type, name, parameters of each function that the sessions call. */
#define LAB_FUNCTIONS(X)                                                                                     \
    X(const void *, TLS_client_method, (void))                                                               \
    X(void *, SSL_CTX_new, (const void *method))                                                             \
    X(void, SSL_CTX_free, (void *ctx))                                                                       \
    X(long, SSL_CTX_ctrl, (void *ctx, int command, long number, void *pointer))                              \
    X(void, SSL_CTX_set_verify, (void *ctx, int mode, lab_accept *callback))                                 \
    X(int, SSL_CTX_load_verify_locations, (void *ctx, const char *file, const char *directory))              \
    X(void, SSL_CTX_set_cert_verify_callback, (void *ctx, lab_verify *callback, void *argument))             \
    X(void, SSL_CTX_set_info_callback, (void *ctx, lab_info *callback))                                      \
    X(lab_info *, SSL_CTX_get_info_callback, (void *ctx))                                                    \
    X(void *, SSL_new, (void *ctx))                                                                          \
    X(void, SSL_free, (void *ssl))                                                                           \
    X(int, SSL_set_fd, (void *ssl, int descriptor))                                                          \
    X(long, SSL_ctrl, (void *ssl, int command, long number, void *pointer))                                  \
    X(int, SSL_set1_host, (void *ssl, const char *name))                                                     \
    X(void, SSL_set_connect_state, (void *ssl))                                                              \
    X(int, SSL_connect, (void *ssl))                                                                         \
    X(int, SSL_do_handshake, (void *ssl))                                                                    \
    X(int, SSL_write, (void *ssl, const void *data, int length))                                             \
    X(int, SSL_read, (void *ssl, void *data, int length))                                                    \
    X(int, SSL_peek, (void *ssl, void *data, int length))                                                    \
    X(int, SSL_shutdown, (void *ssl))                                                                        \
    X(const char *, SSL_get_version, (const void *ssl))                                                      \
    X(const void *, BIO_f_ssl, (void))                                                                       \
    X(void *, BIO_new, (const void *method))                                                                 \
    X(long, BIO_ctrl, (void *bio, int command, long number, void *pointer))                                  \
    X(int, BIO_free, (void *bio))                                                                            \
    X(void, ERR_print_errors_cb, (lab_print * print, void *context))                                         \
    X(void, ERR_clear_error, (void))                                                                         \
    X(const char *, OpenSSL_version, (int what))

struct lab_api {
#define LAB_MEMBER(type, name, parameters) type(*name) parameters;
    LAB_FUNCTIONS(LAB_MEMBER)
#undef LAB_MEMBER
};

/* How the handshake is driven. */
enum lab_drive { DRIVE_CONNECT, DRIVE_HANDSHAKE, DRIVE_WRITE, DRIVE_READ, DRIVE_PEEK, DRIVE_BIO };

struct lab_options {
    int port;
    const char *sni;         /* NULL: none is sent */
    const char *verify_name; /* NULL: the name is not verified */
    const char *ca;          /* NULL: SSL_VERIFY_NONE */
    enum lab_drive drive;
    int tls;      /* 12 or 13; 0: whatever both sides can */
    int callback; /* set an own verify callback that accepts everything */
    int yes;      /* SSL_VERIFY_PEER, with a verify callback that says yes to every certificate */
    int info;     /* set an own info callback */
    int fresh;    /* a new SSL_CTX for each connection */
    int leak;     /* leak 64 bytes with each connection: proves that the checks on memory can fail */
    long count;   /* connections */
    int global;   /* client.c: RTLD_GLOBAL */
};

/* Reads the command line; explains itself and exits with 2 where it is wrong. */
struct lab_options lab_options(int argc, char **argv);

/*
 * Makes `options->count` connections to 127.0.0.1 and prints what happened: for one connection the answer
 * or the error queue, for more the numbers and the resident size after 1,000 and at the end.
 * Returns 0 if all handshakes were completed and answered, else 1.
 */
int lab_run(const struct lab_api *api, const struct lab_options *options);

#endif
