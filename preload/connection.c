#include "preload/connection.h"

#include <stdlib.h>

#include "preload/objects.h"

bool context_create(struct libssl *libssl, CRYPTO_EX_DATA *ad)
{
    struct context *context = calloc(1, sizeof *context);
    if (context == NULL)
        return false;
    if (libssl->fn.CRYPTO_set_ex_data(ad, libssl->context_index, context) == 1)
        return true;
    free(context);
    return false;
}

static bool is_prepared(const struct libssl *libssl)
{
    return atomic_load_explicit(&libssl->prepared, memory_order_acquire);
}

struct context *context_of(const struct libssl *libssl, const SSL_CTX *context)
{
    return !is_prepared(libssl) || context == NULL
               ? NULL
               : libssl->fn.SSL_CTX_get_ex_data(context, libssl->context_index);
}

struct context *context_of_ssl(const struct libssl *libssl, const SSL *ssl)
{
    return context_of(libssl, libssl->fn.SSL_get_SSL_CTX(ssl));
}

struct connection *connection_of(const struct libssl *libssl, const SSL *ssl)
{
    return is_prepared(libssl) ? libssl->fn.SSL_get_ex_data(ssl, libssl->connection_index) : NULL;
}

struct connection *connection_make(const struct libssl *libssl, SSL *ssl)
{
    struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL || !is_prepared(libssl))
        return connection;
    connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    if (libssl->fn.SSL_set_ex_data(ssl, libssl->connection_index, connection) == 1)
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
    context_on_free(parent, ptr, ad, idx, argl, argp);
}

int connection_on_dup(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void *from_d, int idx, long argl,
                      void *argp)
{
    /* The value to be copied is passed by its address, whatever the type of the parameter says. */
    struct connection **value = from_d;
    (void)to;
    (void)from;
    (void)idx;
    (void)argl;
    (void)argp;
    if (*value == NULL)
        return 1;
    struct connection *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return 0;
    *copy = **value;
    *value = copy;
    return 1;
}
