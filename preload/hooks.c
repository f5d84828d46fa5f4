#include "preload/hooks.h"

#include <stddef.h>

#include "preload/connection.h"
#include "preload/early.h"
#include "preload/notice.h"
#include "preload/objects.h"
#include "preload/refuse.h"

/* Not one whose SSL_CTX was born before there was a policy, or in a libssl that cannot be governed. */
static bool is_governed(const struct libssl *libssl, const SSL *ssl)
{
    return libssl != NULL && libssl->governed && context_of_ssl(libssl, ssl) != NULL;
}

/*
 * SSL_connect and SSL_do_handshake: refuse before anything is sent, where that can be known, and make what
 * was cut at its end a handshake that failed. Many programs shake hands otherwise, so nothing rests on them.
 * A libssl may call one through the other, and so come here twice.
 */
static int drive(struct libssl *libssl, SSL *ssl, int (*real)(SSL *))
{
    if (real == NULL)
        return -1;
    if (!is_governed(libssl, ssl))
        return real(ssl);
    if (!libssl->fn.SSL_is_server(ssl) && libssl->fn.SSL_in_before(ssl) && start_is_refused(libssl, ssl))
        return -1;
    /* What was cut stays so, and waits for nobody, until the SSL is cleared. */
    const struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL && connection->refused && !libssl->fn.SSL_in_before(ssl)) {
        refuse_with_words(libssl, "the server of this connection was refused");
        return -1;
    }
    int result = real(ssl);
    struct connection *after = connection_of(libssl, ssl);
    /* Some programs look at the first error, and some at the last. */
    if (after != NULL && after->certificate_refused)
        refuse_for_certificate(libssl, "no client certificate can be shown, and the policy requires one");
    if (after != NULL)
        after->certificate_refused = false;
    return result == 1 && after != NULL && after->refused ? -1 : result;
}

int SSL_connect(SSL *ssl)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ssl, "SSL_connect", caller);
    return drive(libssl, ssl, REAL(libssl, SSL_connect, caller));
}

int SSL_do_handshake(SSL *ssl)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ssl, "SSL_do_handshake", caller);
    return drive(libssl, ssl, REAL(libssl, SSL_do_handshake, caller));
}

int SSL_write_early_data(SSL *ssl, const void *buf, size_t num, size_t *written)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ssl, "SSL_write_early_data", caller);
    if (is_governed(libssl, ssl) && !libssl->fn.SSL_is_server(ssl) && libssl->fn.SSL_in_before(ssl)) {
        if (start_is_refused(libssl, ssl))
            return 0;
        early_data_is_near(libssl, ssl);
    }
    int (*real)(SSL *, const void *, size_t, size_t *) = REAL(libssl, SSL_write_early_data, caller);
    return real == NULL ? 0 : real(ssl, buf, num, written);
}

void SSL_CTX_set_cert_verify_callback(SSL_CTX *ctx, ossl_cert_verify_cb *callback, void *arg)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ctx, "SSL_CTX_set_cert_verify_callback", caller);
    struct context *context = context_governed(libssl, ctx);
    if (context == NULL) {
        REAL(libssl, SSL_CTX_set_cert_verify_callback, caller)(ctx, callback, arg);
        return;
    }
    context->verify = callback;
    context->verify_arg = arg;
    /* Again: a call through dlsym may have put another in the place of ours. */
    libssl->fn.SSL_CTX_set_cert_verify_callback(ctx, verdict, libssl);
}

void SSL_CTX_set_info_callback(SSL_CTX *ctx, ossl_info_cb *callback)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ctx, "SSL_CTX_set_info_callback", caller);
    struct context *context = context_governed(libssl, ctx);
    if (context == NULL) {
        REAL(libssl, SSL_CTX_set_info_callback, caller)(ctx, callback);
        return;
    }
    context->info = callback;
    libssl_note_info(libssl, callback);
    libssl->fn.SSL_CTX_set_info_callback(ctx, libssl->on_info);
}

ossl_info_cb *SSL_CTX_get_info_callback(SSL_CTX *ctx)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ctx, "SSL_CTX_get_info_callback", caller);
    const struct context *context = context_governed(libssl, ctx);
    if (context == NULL)
        return REAL(libssl, SSL_CTX_get_info_callback, caller)(ctx);
    ossl_info_cb *installed = libssl->fn.SSL_CTX_get_info_callback(ctx);
    return installed == libssl->on_info ? context->info : installed;
}

void SSL_set_info_callback(SSL *ssl, ossl_info_cb *callback)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ssl, "SSL_set_info_callback", caller);
    struct connection *connection = is_governed(libssl, ssl) ? connection_make(libssl, ssl) : NULL;
    if (connection == NULL) {
        /* Out of memory: the ClientHello finds the program's callback there, and chains it. */
        REAL(libssl, SSL_set_info_callback, caller)(ssl, callback);
        return;
    }
    connection->info = callback;
    libssl_note_info(libssl, callback);
    libssl->fn.SSL_set_info_callback(ssl, libssl->on_info);
}

ossl_info_cb *SSL_get_info_callback(const SSL *ssl)
{
    const void *caller = __builtin_return_address(0);
    struct libssl *libssl = objects_libssl(ssl, "SSL_get_info_callback", caller);
    if (!is_governed(libssl, ssl))
        return REAL(libssl, SSL_get_info_callback, caller)(ssl);
    ossl_info_cb *installed = libssl->fn.SSL_get_info_callback(ssl);
    return installed == libssl->on_info ? connection_program_info(libssl, ssl, connection_of(libssl, ssl))
                                        : installed;
}
