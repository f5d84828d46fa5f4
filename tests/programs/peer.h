/*
 * A client and its server for every kind of handshake that OpenSSL has. The client forks, and the child
 * becomes the server: the same program, executed again with an empty environment, so that nothing is
 * preloaded into it.
 *
 * No OpenSSL header is needed and every function is found by name, so that one build runs with 1.1.1 to 4.x;
 * those that a line does not have are NULL.
 */
#ifndef LAB_PEER_H
#define LAB_PEER_H

#include <stddef.h>
#include <sys/time.h>

typedef unsigned peer_psk_client(void *ssl, const char *hint, char *identity, unsigned identity_size,
                                 unsigned char *key, unsigned key_size);
typedef unsigned peer_psk_server(void *ssl, const char *identity, unsigned char *key, unsigned key_size);
typedef int peer_psk_use(void *ssl, const void *digest, const unsigned char **id, size_t *id_length,
                         void **session);
typedef int peer_psk_find(void *ssl, const unsigned char *id, size_t id_length, void **session);
typedef int peer_alpn(void *ssl, const unsigned char **out, unsigned char *out_length,
                      const unsigned char *in, unsigned in_length, void *argument);
typedef int peer_verify(int answer, void *store);
typedef int peer_certificate(void *ssl, void *argument);
typedef int peer_print(const char *text, size_t length, void *context);

/* Return type, name, parameters. */
#define PEER_FUNCTIONS(X)                                                                                    \
    X(const char *, OpenSSL_version, (int what))                                                             \
    X(const void *, TLS_method, (void))                                                                      \
    X(const void *, DTLS_method, (void))                                                                     \
    X(const void *, OSSL_QUIC_client_method, (void))                                                         \
    X(const void *, OSSL_QUIC_server_method, (void))                                                         \
    X(void *, SSL_CTX_new, (const void *method))                                                             \
    X(void, SSL_CTX_free, (void *ctx))                                                                       \
    X(long, SSL_CTX_ctrl, (void *ctx, int command, long number, void *pointer))                              \
    X(unsigned long, SSL_CTX_set_options, (void *ctx, unsigned long options))                                \
    X(int, SSL_CTX_set_cipher_list, (void *ctx, const char *text))                                           \
    X(int, SSL_CTX_set_ciphersuites, (void *ctx, const char *text))                                          \
    X(int, SSL_CTX_use_certificate_chain_file, (void *ctx, const char *file))                                \
    X(int, SSL_CTX_use_PrivateKey_file, (void *ctx, const char *file, int type))                             \
    X(void, SSL_CTX_set_cert_cb, (void *ctx, peer_certificate *callback, void *argument))                    \
    X(int, SSL_CTX_set_max_early_data, (void *ctx, unsigned most))                                           \
    X(int, SSL_CTX_set_session_id_context, (void *ctx, const unsigned char *id, unsigned length))            \
    X(void, SSL_CTX_set_verify, (void *ctx, int mode, peer_verify *callback))                                \
    X(void, SSL_CTX_set_psk_client_callback, (void *ctx, peer_psk_client *callback))                         \
    X(void, SSL_CTX_set_psk_server_callback, (void *ctx, peer_psk_server *callback))                         \
    X(void, SSL_CTX_set_psk_use_session_callback, (void *ctx, peer_psk_use *callback))                       \
    X(void, SSL_CTX_set_psk_find_session_callback, (void *ctx, peer_psk_find *callback))                     \
    X(void, SSL_CTX_set_alpn_select_cb, (void *ctx, peer_alpn *callback, void *argument))                    \
    X(int, SSL_CTX_set1_server_cert_type, (void *ctx, const unsigned char *types, size_t length))            \
    X(void, SSL_CTX_set_post_handshake_auth, (void *ctx, int on))                                            \
    X(void *, SSL_new, (void *ctx))                                                                          \
    X(void, SSL_free, (void *ssl))                                                                           \
    X(void, SSL_set_bio, (void *ssl, void *in, void *out))                                                   \
    X(int, SSL_set_fd, (void *ssl, int descriptor))                                                          \
    X(long, SSL_ctrl, (void *ssl, int command, long number, void *pointer))                                  \
    X(int, SSL_set_alpn_protos, (void *ssl, const unsigned char *names, unsigned length))                    \
    X(int, SSL_set_session, (void *ssl, void *session))                                                      \
    X(void *, SSL_get1_session, (void *ssl))                                                                 \
    X(int, SSL_session_reused, (const void *ssl))                                                            \
    X(void, SSL_set_connect_state, (void *ssl))                                                              \
    X(void, SSL_set_accept_state, (void *ssl))                                                               \
    X(int, SSL_connect, (void *ssl))                                                                         \
    X(int, SSL_do_handshake, (void *ssl))                                                                    \
    X(int, SSL_is_init_finished, (const void *ssl))                                                          \
    X(int, SSL_write, (void *ssl, const void *data, int length))                                             \
    X(int, SSL_read, (void *ssl, void *data, int length))                                                    \
    X(int, SSL_write_early_data, (void *ssl, const void *data, size_t length, size_t *written))              \
    X(int, SSL_read_early_data, (void *ssl, void *data, size_t size, size_t *length))                        \
    X(int, SSL_get_early_data_status, (const void *ssl))                                                     \
    X(long, SSL_sendfile, (void *ssl, int descriptor, long offset, size_t length, int flags))                \
    X(int, SSL_shutdown, (void *ssl))                                                                        \
    X(int, SSL_renegotiate, (void *ssl))                                                                     \
    X(int, SSL_renegotiate_pending, (const void *ssl))                                                       \
    X(int, SSL_key_update, (void *ssl, int type))                                                            \
    X(int, SSL_get_error, (const void *ssl, int result))                                                     \
    X(int, SSL_get_verify_mode, (const void *ssl))                                                           \
    X(void, SSL_set_verify, (void *ssl, int mode, peer_verify *callback))                                    \
    X(int, SSL_verify_client_post_handshake, (void *ssl))                                                    \
    X(void *, SSL_get1_peer_certificate, (const void *ssl))                                                  \
    X(void *, SSL_get_peer_certificate, (const void *ssl))                                                   \
    X(void *, SSL_get0_peer_rpk, (const void *ssl))                                                          \
    X(int, SSL_use_certificate_file, (void *ssl, const char *file, int type))                                \
    X(int, SSL_use_PrivateKey_file, (void *ssl, const char *file, int type))                                 \
    X(void *, X509_get_subject_name, (const void *certificate))                                              \
    X(char *, X509_NAME_oneline, (const void *name, char *text, int size))                                   \
    X(const void *, SSL_get_current_cipher, (const void *ssl))                                               \
    X(const char *, SSL_CIPHER_get_name, (const void *cipher))                                               \
    X(int, SSL_CIPHER_get_auth_nid, (const void *cipher))                                                    \
    X(const char *, SSL_get_version, (const void *ssl))                                                      \
    X(const void *, SSL_CIPHER_find, (void *ssl, const unsigned char *number))                               \
    X(void *, SSL_SESSION_new, (void))                                                                       \
    X(void, SSL_SESSION_free, (void *session))                                                               \
    X(int, SSL_SESSION_set1_master_key, (void *session, const unsigned char *key, size_t length))            \
    X(int, SSL_SESSION_set_cipher, (void *session, const void *cipher))                                      \
    X(int, SSL_SESSION_set_protocol_version, (void *session, int version))                                   \
    X(int, SSL_SESSION_set_max_early_data, (void *session, unsigned most))                                   \
    X(void *, PEM_read_bio_SSL_SESSION, (void *bio, void **session, void *callback, void *argument))         \
    X(int, PEM_write_bio_SSL_SESSION, (void *bio, const void *session))                                      \
    X(void *, SSL_new_listener, (void *ctx, unsigned long long flags))                                       \
    X(int, SSL_listen, (void *listener))                                                                     \
    X(void *, SSL_accept_connection, (void *listener, unsigned long long flags))                             \
    X(int, SSL_set_blocking_mode, (void *ssl, int on))                                                       \
    X(int, SSL_handle_events, (void *ssl))                                                                   \
    X(int, SSL_get_event_timeout, (void *ssl, struct timeval *left, int *is_infinite))                       \
    X(void *, BIO_new_socket, (int descriptor, int closes))                                                  \
    X(void *, BIO_new_dgram, (int descriptor, int closes))                                                   \
    X(void *, BIO_new_file, (const char *name, const char *mode))                                            \
    X(int, BIO_up_ref, (void *bio))                                                                          \
    X(int, BIO_free, (void *bio))                                                                            \
    X(long, BIO_ctrl, (void *bio, int command, long number, void *pointer))                                  \
    X(unsigned long long, BIO_number_read, (void *bio))                                                      \
    X(unsigned long long, BIO_number_written, (void *bio))                                                   \
    X(void, ERR_print_errors_cb, (peer_print * print, void *context))

struct peer_api {
#define PEER_MEMBER(type, name, parameters) type(*name) parameters;
    PEER_FUNCTIONS(PEER_MEMBER)
#undef PEER_MEMBER
};
extern struct peer_api ossl;

enum peer_drive { DRIVE_CONNECT, DRIVE_HANDSHAKE, DRIVE_WRITE, DRIVE_EARLY };

struct peer_options {
    const struct peer_kind *kind;
    int tls; /* 12 or 13; 0: what both sides can */
    enum peer_drive drive;
    const char *name;       /* SNI; NULL: none */
    const char *chain;      /* the server's certificate; NULL: it has none */
    const char *key;        /* and its private key */
    const char *next_chain; /* the certificate that it shows when it renegotiates */
    const char *next_key;
    const char *session_in;  /* a session to be resumed */
    const char *session_out; /* where the new one goes */
};

/* The bits of struct peer_kind's `traits`. */
enum {
    KIND_DATAGRAMS = 1,
    KIND_QUIC = 2,
    KIND_EARLY_DATA = 4,    /* the server takes it */
    KIND_RENEGOTIATES = 8,  /* the server, after the first request */
    KIND_ASKS_LATER = 16,   /* for the client's certificate, after the first request */
    KIND_RENEGOTIATED = 32, /* the client renegotiates, after the first answer */
    KIND_ASKS = 64,         /* for the client's certificate */
};

struct peer_kind {
    const char *name;
    int tls; /* 12 or 13 where it has to be that; else 0 */
    unsigned traits;
    void (*client)(void *ctx, const struct peer_options *options); /* set up a context; NULL: nothing to do */
    void (*server)(void *ctx, const struct peer_options *options);
};

/* NULL: there is no such kind. */
const struct peer_kind *peer_kind_named(const char *name);

/* A context for a kind; ends the process where that cannot be made. */
void *peer_client_context(const struct peer_options *options);
void *peer_server_context(const struct peer_options *options);

/* Which kind of handshake it was: a word. */
const char *peer_what_it_was(const void *ssl);

/* One request; the server answers each. */
extern const char peer_request[];
extern const char peer_answer[];

/* Prints `what` and why it failed, and ends the process. */
_Noreturn void peer_fail(const char *what);

/* The BIO for a connected socket of this kind. The socket stays the caller's. */
void *peer_new_bio(const struct peer_options *options, int plain);

/* Prints OpenSSL's error queue, a line each. */
void peer_print_errors(void);

/* The whole client: connects to `port` on 127.0.0.1. The end of `done` tells the server that it is over. */
void peer_client(const struct peer_options *options, unsigned short port, int done);

/* The whole server; it serves one connection. standard input ends when the client is done. */
void peer_server(const struct peer_options *options);
void peer_quic_server(const struct peer_options *options, int descriptor);

/* What the server saw, a line each; printed at its end. */
struct peer_seen {
    size_t bytes; /* application data */
    size_t early; /* of these: early data */
    size_t requests;
    int client_certificate;
    char client_name[64]; /* its subject */
    char kind[32];        /* "" : no handshake was completed */
    int resumed;
    int handshakes;
};
void peer_report(const struct peer_seen *seen, unsigned long long raw);

/* Which certificate the client has shown. */
void peer_look_at_client(const void *ssl, struct peer_seen *seen);

/* A verify callback. */
int peer_accept_every_certificate(int answer, void *store);

/* Waits for one of two descriptors. False: the client is done, and nothing of it is waiting. */
int peer_wait(int descriptor, const struct timeval *longest);

#endif
