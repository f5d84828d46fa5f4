/* The interposed functions: the same names and types as OpenSSL's, whose man pages tell what they do. */
#ifndef TLSGRAFT_HOOKS_H
#define TLSGRAFT_HOOKS_H

#include <stdint.h>

#include "policy/openssl.h"
#include "preload/scope.h"

/* The function that would have been called without us: the object's libssl's, else the caller's. */
#define REAL(libssl, name, caller)                                                                           \
    ((libssl) != NULL && (libssl)->fn.name != NULL ? (libssl)->fn.name                                       \
                                                   : (__typeof__(&(name)))scope_next(#name, caller))

#define TLSGRAFT_EXPORT __attribute__((visibility("default")))

TLSGRAFT_EXPORT int CRYPTO_new_ex_data(uintptr_t index, void *object, CRYPTO_EX_DATA *ad);
TLSGRAFT_EXPORT int SSL_connect(SSL *ssl);
TLSGRAFT_EXPORT int SSL_do_handshake(SSL *ssl);
TLSGRAFT_EXPORT int SSL_write_early_data(SSL *ssl, const void *buf, size_t num, size_t *written);
TLSGRAFT_EXPORT void SSL_CTX_set_cert_verify_callback(SSL_CTX *ctx, ossl_cert_verify_cb *callback, void *arg);
TLSGRAFT_EXPORT void SSL_CTX_set_info_callback(SSL_CTX *ctx, ossl_info_cb *callback);
TLSGRAFT_EXPORT ossl_info_cb *SSL_CTX_get_info_callback(SSL_CTX *ctx);
TLSGRAFT_EXPORT void SSL_set_info_callback(SSL *ssl, ossl_info_cb *callback);
TLSGRAFT_EXPORT ossl_info_cb *SSL_get_info_callback(const SSL *ssl);

/* hooks_certificate.c */
TLSGRAFT_EXPORT void SSL_set_cert_cb(SSL *ssl, ossl_cert_cb *callback, void *arg);
TLSGRAFT_EXPORT void SSL_CTX_set_cert_cb(SSL_CTX *ctx, ossl_cert_cb *callback, void *arg);
TLSGRAFT_EXPORT SSL *SSL_new(SSL_CTX *ctx);
TLSGRAFT_EXPORT SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *ctx);

/* verifyname.c */
TLSGRAFT_EXPORT X509_VERIFY_PARAM *X509_VERIFY_PARAM_new(void);
TLSGRAFT_EXPORT void X509_VERIFY_PARAM_free(X509_VERIFY_PARAM *param);
TLSGRAFT_EXPORT int X509_VERIFY_PARAM_inherit(X509_VERIFY_PARAM *to, const X509_VERIFY_PARAM *from);
TLSGRAFT_EXPORT int X509_VERIFY_PARAM_set1(X509_VERIFY_PARAM *to, const X509_VERIFY_PARAM *from);
TLSGRAFT_EXPORT int X509_VERIFY_PARAM_set1_host(X509_VERIFY_PARAM *param, const char *name, size_t length);
TLSGRAFT_EXPORT int X509_VERIFY_PARAM_add1_host(X509_VERIFY_PARAM *param, const char *name, size_t length);
TLSGRAFT_EXPORT int X509_VERIFY_PARAM_set1_ip(X509_VERIFY_PARAM *param, const unsigned char *ip,
                                              size_t length);
TLSGRAFT_EXPORT int X509_VERIFY_PARAM_set1_ip_asc(X509_VERIFY_PARAM *param, const char *ip);

/* libc.c: connect, getaddrinfo, gethostbyname and its kin, as the system's headers declare them */

#endif
