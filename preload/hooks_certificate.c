/*
 * What a program does about its client certificate. OpenSSL has no function that tells which certificate
 * callback is set, so it is remembered where it is set, and where OpenSSL copies it.
 */
#include <stddef.h>

#include "preload/certificates.h"
#include "preload/connection.h"
#include "preload/hooks.h"
#include "preload/notice.h"
#include "preload/objects.h"
#include "preload/snapshot.h"
#include "preload/upstream.h"

void SSL_CTX_set_cert_cb(SSL_CTX *ctx, ossl_cert_cb *callback, void *arg)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ctx, "SSL_CTX_set_cert_cb", caller);
    struct context *context = context_governed(libssl, ctx);
    if (context != NULL)
        context->certificate = (struct certificate_callback){callback, arg};
    REAL(libssl, SSL_CTX_set_cert_cb, caller)(ctx, callback, arg);
}

/* What an SSL has for its own from now on. Where memory is short that of the SSL_CTX counts. */
static struct connection *remember(const struct libssl *libssl, SSL *ssl,
                                   struct certificate_callback certificate)
{
    struct connection *connection = connection_make(libssl, ssl);
    if (connection != NULL) {
        connection->certificate_is_own = true;
        connection->certificate = certificate;
    }
    return connection;
}

/*
 * An SSL takes over what its SSL_CTX has now, also if that is none: the SSL_CTX may get one later. What is
 * not seen being made, by a libssl that calls its own SSL_new directly, goes by what the SSL_CTX has then.
 */
static void inherit(const struct libssl *libssl, const struct context *context, SSL *ssl)
{
    bool matters = context->certificate.function != NULL || upstream_has_rules(snapshot_acquire());
    snapshot_release();
    if (matters)
        remember(libssl, ssl, context->certificate);
}

void SSL_set_cert_cb(SSL *ssl, ossl_cert_cb *callback, void *arg)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ssl, "SSL_set_cert_cb", caller);
    const struct connection *connection =
        libssl != NULL && libssl->governed
            ? remember(libssl, ssl, (struct certificate_callback){callback, arg})
            : NULL;
    if (connection == NULL || !connection->certificate_watched)
        REAL(libssl, SSL_set_cert_cb, caller)(ssl, callback, arg);
}

SSL *SSL_new(SSL_CTX *ctx)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ctx, "SSL_new", caller);
    struct context *context = context_governed(libssl, ctx);
    SSL *(*real)(SSL_CTX *) = REAL(libssl, SSL_new, caller);
    SSL *ssl = real == NULL ? NULL : real(ctx);
    if (ssl != NULL && context != NULL)
        inherit(libssl, context, ssl);
    return ssl;
}

/* The SSL takes over the certificates and the callback of its new SSL_CTX. */
static void take_over(struct libssl *libssl, SSL *ssl)
{
    struct context *context = context_of_ssl(libssl, ssl);
    struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL) {
        connection->certificate_is_own = false;
        certificates_drop(libssl, connection);
    }
    if (context != NULL)
        inherit(libssl, context, ssl);
    if (connection != NULL && connection->certificate_watched)
        upstream_watch(libssl, ssl, connection);
}

SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *ctx)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ssl, "SSL_set_SSL_CTX", caller);
    SSL_CTX *(*real)(SSL *, SSL_CTX *) = REAL(libssl, SSL_set_SSL_CTX, caller);
    if (real == NULL)
        return NULL;
    bool governed = libssl != NULL && libssl->governed;
    const SSL_CTX *before = governed ? libssl->fn.SSL_get_SSL_CTX(ssl) : NULL;
    SSL_CTX *now = real(ssl, ctx);
    if (governed && now != NULL && now != before)
        take_over(libssl, ssl);
    return now;
}
