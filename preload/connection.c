#include "preload/connection.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "preload/certificates.h"
#include "preload/objects.h"
#include "preload/peername.h"

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

struct context *context_governed(const struct libssl *libssl, const SSL_CTX *context)
{
    return libssl == NULL || !libssl->governed ? NULL : context_of(libssl, context);
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

void connection_note_fact(struct connection *connection, const struct fact *fact)
{
    if (connection->facts == NULL)
        connection->facts = calloc(CONNECTION_FACTS_MAX, sizeof *connection->facts);
    if (connection->facts != NULL && connection->fact_count < CONNECTION_FACTS_MAX)
        connection->facts[connection->fact_count++] = *fact;
}

void connection_forget_facts(struct connection *connection)
{
    free(connection->facts);
    connection->facts = NULL;
    connection->fact_count = 0;
}

struct records_wait *connection_wait(const struct libssl *libssl, const SSL *ssl)
{
    struct connection *connection = connection_of(libssl, ssl);
    return connection == NULL ? NULL : &connection->wait;
}

/* Of how many connections certificate_due is set; it is from the certificate callback to the next notice. */
static atomic_uint due;

void connection_set_due(struct connection *connection, bool is_due)
{
    if (connection->certificate_due != is_due)
        atomic_fetch_add_explicit(&due, is_due ? 1U : -1U, memory_order_relaxed);
    connection->certificate_due = is_due;
}

bool connection_is_any_due(void)
{
    return atomic_load_explicit(&due, memory_order_relaxed) != 0;
}

ossl_info_cb *connection_program_info(const struct libssl *libssl, const SSL *ssl,
                                      const struct connection *connection)
{
    /* One that is set no more, through dlsym, is not called: it may be gone. */
    if (connection != NULL && connection->info != NULL &&
        libssl->fn.SSL_get_info_callback(ssl) == libssl->on_info)
        return connection->info;
    SSL_CTX *ctx = libssl->fn.SSL_get_SSL_CTX(ssl);
    ossl_info_cb *installed = libssl->fn.SSL_CTX_get_info_callback(ctx);
    /* A program may have set it where no hook sees it. */
    if (installed != libssl->on_info)
        return installed;
    if (!libssl_has_info(libssl))
        return NULL;
    const struct context *context = context_of(libssl, ctx);
    return context == NULL ? NULL : context->info;
}

/* Of a BIO that is read by the program itself: what it takes out has left the connection already. */
static long refuse_writes(BIO *bio, int operation, const char *argp, size_t length, int argi, long argl,
                          int ret, size_t *processed)
{
    (void)bio;
    (void)argp;
    (void)length;
    (void)argi;
    (void)argl;
    (void)processed;
    bool writes =
        operation == OSSL_BIO_CB_WRITE || operation == OSSL_BIO_CB_PUTS || operation == OSSL_BIO_CB_SENDMMSG;
    return writes ? -1 : ret;
}

/* Where both directions are one BIO: a program that goes on in spite of a refusal would wait for a server
 * that heard nothing. */
static long refuse_transfers(BIO *bio, int operation, const char *argp, size_t length, int argi, long argl,
                             int ret, size_t *processed)
{
    return operation == OSSL_BIO_CB_READ
               ? -1
               : refuse_writes(bio, operation, argp, length, argi, argl, ret, processed);
}

static bool is_ours(ossl_bio_cb *callback)
{
    return callback == refuse_writes || callback == refuse_transfers;
}

static void remember_cut(const struct libssl *libssl, struct connection *connection, BIO *bio)
{
    if (bio == NULL || libssl->fn.BIO_up_ref(bio) != 1)
        return;
    connection->cut = bio;
    connection->cut_before = libssl->fn.BIO_get_callback_ex(bio);
}

/*
 * Not SSL_set0_wbio: a program may hold on to its BIO, and set it again, and who owns which reference then
 * depends on what OpenSSL finds in its place. SSL_set_shutdown alone would let out the first write of a
 * program that shakes hands by writing.
 */
void connection_cut(const struct libssl *libssl, SSL *ssl)
{
    struct connection *connection = connection_make(libssl, ssl);
    BIO *bio = libssl->fn.SSL_get_wbio(ssl);
    if (connection != NULL) {
        connection->refused = true;
        if (bio != connection->cut) {
            connection_mend(libssl, connection);
            remember_cut(libssl, connection, bio);
        }
    }
    /* Where it could not be remembered, out of memory, it refuses for good. */
    if (bio != NULL)
        libssl->fn.BIO_set_callback_ex(bio, bio == libssl->fn.SSL_get_rbio(ssl) ? refuse_transfers
                                                                                : refuse_writes);
    libssl->fn.SSL_set_shutdown(ssl, OSSL_SENT_AND_RECEIVED_SHUTDOWN);
}

void connection_mend(const struct libssl *libssl, struct connection *connection)
{
    if (connection->cut == NULL)
        return;
    if (is_ours(libssl->fn.BIO_get_callback_ex(connection->cut)))
        libssl->fn.BIO_set_callback_ex(connection->cut, connection->cut_before);
    libssl->fn.BIO_free(connection->cut);
    connection->cut = NULL;
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
    if (ptr != NULL) {
        connection_mend(libssl, ptr);
        certificates_drop(libssl, ptr);
        connection_forget_facts(ptr);
        connection_set_due(ptr, false);
        peer_end(ptr);
    }
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
    /* SSL_new, which SSL_dup may call where we hear of it, gave it what its SSL_CTX has. */
    copy->certificate_is_own = false;
    if (*value != NULL) {
        /* SSL_dup copies the mode, the id context and the certificates too; the rest is of a handshake that
         * the copy has not made. */
        copy->info = (*value)->info;
        copy->mode_changed = (*value)->mode_changed;
        copy->mode = (*value)->mode;
        copy->id_context_changed = (*value)->id_context_changed;
        copy->certificate_is_own = (*value)->certificate_is_own;
        copy->certificate = (*value)->certificate;
        copy->certificate_watched = (*value)->certificate_watched;
        copy->kept = certificates_share((*value)->kept);
    }
    *value = copy;
    return 1;
}
