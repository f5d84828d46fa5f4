/*
 * OpenSSL for this command: the newest that is installed, fetched when it is needed. It is never linked, so
 * that one build serves every release.
 */
#ifndef TLSGRAFT_CRYPTO_H
#define TLSGRAFT_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "policy/openssl.h"

typedef struct asn1_string_st ASN1_TIME;
typedef struct bio_method_st BIO_METHOD;
typedef struct X509_name_st X509_NAME;
typedef struct ssl_method_st SSL_METHOD;

/* The numbers that are part of the binary interface. */
#define CRYPTO_ERROR_WANT_READ          2
#define CRYPTO_ERROR_WANT_WRITE         3
#define CRYPTO_ERROR_SYSCALL            5
#define CRYPTO_ERROR_ZERO_RETURN        6
#define CRYPTO_CTRL_SET_MSG_ARG         16
#define CRYPTO_CTRL_SET_HOSTNAME        55
#define CRYPTO_CTRL_SET_MIN_VERSION     123
#define CRYPTO_OP_LEGACY_SERVER_CONNECT 0x4
#define CRYPTO_RT_HEADER                0x100 /* SSL3_RT_HEADER */
#define CRYPTO_R_ALERT_OFFSET           1000 /* the reason of an alert that was received is its number and this */
#define CRYPTO_R_UNEXPECTED_EOF         294 /* 3.0 and later */

/* See SSL_set_msg_callback(3). */
typedef void crypto_msg_cb(int write, int version, int content_type, const void *buffer, size_t length,
                           SSL *ssl, void *argument);

/* F(result, name, arguments): functions of libcrypto, in 1.1.1 to 4.x, that only the command needs. */
#define CRYPTO_FUNCTIONS(F)                                                                                  \
    F(const BIO_METHOD *, BIO_s_mem, (void))                                                                 \
    F(BIO *, BIO_new, (const BIO_METHOD *method))                                                            \
    F(int, BIO_read, (BIO * bio, void *data, int length))                                                    \
    F(const ASN1_TIME *, X509_get0_notAfter, (const X509 *x))                                                \
    F(int, ASN1_TIME_to_tm, (const ASN1_TIME *time, struct tm *tm))                                          \
    F(X509_NAME *, X509_get_subject_name, (const X509 *x))                                                   \
    F(int, X509_NAME_print_ex, (BIO * out, const X509_NAME *name, int indent, unsigned long flags))          \
    F(X509_STACK *, X509_chain_up_ref, (X509_STACK * chain))                                                 \
    F(void, OPENSSL_sk_free, (OPENSSL_STACK * stack))                                                        \
    F(void, ERR_clear_error, (void))                                                                         \
    F(const char *, ERR_reason_error_string, (unsigned long error))

/* The same of libssl. */
#define CRYPTO_SSL_FUNCTIONS(F)                                                                              \
    F(const SSL_METHOD *, TLS_client_method, (void))                                                         \
    F(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *method))                                                    \
    F(void, SSL_CTX_free, (SSL_CTX * ctx))                                                                   \
    F(SSL *, SSL_new, (SSL_CTX * ctx))                                                                       \
    F(void, SSL_free, (SSL * ssl))                                                                           \
    F(int, SSL_set_fd, (SSL * ssl, int fd))                                                                  \
    F(long, SSL_ctrl, (SSL * ssl, int command, long number, void *pointer))                                  \
    F(void, SSL_set_msg_callback, (SSL * ssl, crypto_msg_cb * callback))                                     \
    F(int, SSL_set_cipher_list, (SSL * ssl, const char *list))                                               \
    F(uint64_t, SSL_set_options, (SSL * ssl, uint64_t options))                                              \
    F(int, SSL_get_error, (const SSL *ssl, int ret))                                                         \
    F(int, SSL_shutdown, (SSL * ssl))                                                                        \
    F(const char *, SSL_alert_desc_string_long, (int alert))

#define CRYPTO_MEMBER(result, name, arguments) result(*name) arguments;
struct crypto {
    struct ossl ossl; /* those that the library needs too */
    CRYPTO_FUNCTIONS(CRYPTO_MEMBER)
    CRYPTO_SSL_FUNCTIONS(CRYPTO_MEMBER)
};
#undef CRYPTO_MEMBER

/*
 * Fills the functions of libcrypto; those of libssl stay NULL. False: there is no libcrypto of OpenSSL 1.1.1
 * to 4. The library stays loaded until the process ends.
 */
bool crypto_open(struct crypto *crypto);

/* The same with the functions of libssl, of the newest line of which both are there. */
bool crypto_open_ssl(struct crypto *crypto);

#endif
