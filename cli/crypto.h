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

typedef struct asn1_object_st ASN1_OBJECT;
typedef struct bio_method_st BIO_METHOD;
typedef struct X509_algor_st X509_ALGOR;
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
#define CRYPTO_R_UNEXPECTED_EOF         294  /* 3.0 and later */
#define CRYPTO_FLAG_CA                  0x10 /* EXFLAG_CA */

/* See SSL_set_msg_callback(3). */
typedef void crypto_msg_cb(int write, int version, int content_type, const void *buffer, size_t length,
                           SSL *ssl, void *argument);

/* F(result, name, arguments): functions of libcrypto, in 1.1.1 to 4.x, that only the command needs. */
#define CRYPTO_FUNCTIONS(F)                                                                                  \
    F(const BIO_METHOD *, BIO_s_mem, (void))                                                                 \
    F(BIO *, BIO_new, (const BIO_METHOD *method))                                                            \
    F(int, BIO_read, (BIO * bio, void *data, int length))                                                    \
    F(uint32_t, X509_get_extension_flags, (X509 * x))                                                        \
    F(int, X509_NAME_print_ex, (BIO * out, const X509_NAME *name, int indent, unsigned long flags))          \
    F(int, X509_PUBKEY_get0_param,                                                                           \
      (ASN1_OBJECT * *algorithm, const unsigned char **key, int *length, X509_ALGOR **parameters,            \
       const X509_PUBKEY *public_key))                                                                       \
    F(void, X509_ALGOR_get0,                                                                                 \
      (const ASN1_OBJECT **object, int *type, const void **value, const X509_ALGOR *algorithm))              \
    F(int, OBJ_obj2nid, (const ASN1_OBJECT *object))                                                         \
    F(int, OBJ_obj2txt, (char *text, int size, const ASN1_OBJECT *object, int no_name))                      \
    F(const char *, OBJ_nid2sn, (int nid))                                                                   \
    F(const char *, OBJ_nid2ln, (int nid))                                                                   \
    F(const char *, EC_curve_nid2nist, (int nid))                                                            \
    F(X509_STACK *, X509_chain_up_ref, (X509_STACK * chain))                                                 \
    F(void, ERR_clear_error, (void))                                                                         \
    F(const char *, ERR_reason_error_string, (unsigned long error))

/* The same of libssl. */
#define CRYPTO_SSL_FUNCTIONS(F)                                                                              \
    F(const SSL_METHOD *, TLS_client_method, (void))                                                         \
    F(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *method))                                                    \
    F(void, SSL_CTX_free, (SSL_CTX * ctx))                                                                   \
    F(void, SSL_CTX_set_security_level, (SSL_CTX * ctx, int level))                                          \
    F(int, SSL_CTX_use_certificate, (SSL_CTX * ctx, X509 * x))                                               \
    F(void, SSL_free, (SSL * ssl))                                                                           \
    F(int, SSL_set_fd, (SSL * ssl, int fd))                                                                  \
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
