#include "preload/connection.h"

#include <stdlib.h>

#include "preload/objects.h"

bool context_create(struct libssl *libssl, CRYPTO_EX_DATA *ad)
{
    struct context *context = calloc(1, sizeof *context);
    if (context == NULL)
        return false;
    if (libssl->fn.CRYPTO_set_ex_data(ad, libssl_context_index(libssl), context) == 1)
        return true;
    free(context);
    return false;
}

struct context *context_of(const struct libssl *libssl, const SSL_CTX *context)
{
    return !libssl_is_prepared(libssl) || context == NULL
               ? NULL
               : libssl->fn.SSL_CTX_get_ex_data(context, libssl_context_index(libssl));
}

struct context *context_of_ssl(const struct libssl *libssl, const SSL *ssl)
{
    return context_of(libssl, libssl->fn.SSL_get_SSL_CTX(ssl));
}

struct connection *connection_of(const struct libssl *libssl, const SSL *ssl)
{
    return libssl_is_prepared(libssl) ? libssl->fn.SSL_get_ex_data(ssl, libssl_connection_index(libssl))
                                      : NULL;
}

struct connection *connection_make(const struct libssl *libssl, SSL *ssl)
{
    struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL || !libssl_is_prepared(libssl))
        return connection;
    connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    if (libssl->fn.SSL_set_ex_data(ssl, libssl_connection_index(libssl), connection) == 1)
        return connection;
    free(connection);
    return NULL;
}

void context_on_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    (void)ad;
    (void)idx;
    (void)argl;
    (void)argp;
    objects_forget(parent);
    free(ptr);
}

void connection_on_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    const struct libssl *libssl = argp;
    const struct connection *connection = ptr;
    if (connection != NULL && connection->wbio != NULL)
        libssl->fn.BIO_free_all(connection->wbio);
    context_on_free(parent, ptr, ad, idx, argl, argp);
}

int connection_on_dup(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void *from_d, int idx, long argl,
                      void *argp)
{
    const struct libssl *libssl = argp;
    /* The value to be copied is passed by its address, whatever the type of the parameter says. */
    struct connection **value = from_d;
    /* SSL_dup sets the copy's info callback before, which may have made this. */
    struct connection *copy = libssl->fn.CRYPTO_get_ex_data(to, idx);
    (void)from;
    (void)argl;
    if (copy == NULL && *value == NULL)
        return 1;
    if (copy == NULL)
        copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        return 0;
    if (*value != NULL)
        copy->info = (*value)->info; /* the rest is of a handshake that the copy has not made */
    *value = copy;
    return 1;
}
