#include "preload/adopt.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "preload/birth.h"
#include "preload/connection.h"
#include "preload/notice.h"
#include "preload/objects.h"
#include "preload/process.h"
#include "preload/upstream.h"

/* What is done for a connection makes objects of OpenSSL itself. */
static _Thread_local bool busy;

/*
 * An SSL that has not shaken hands yet. Its birth is no time to look at it: since 3.2 it is not built yet
 * then, and does not know its SSL_CTX.
 */
struct newcomer {
    SSL *ssl;
    const struct libssl *libssl;
    const bool *thread; /* that made it: where its `busy` is */
};

/* In the order of birth; guarded by process_lock(). If there are more, the oldest is forgotten. */
#define NEWCOMERS_MAX 1024
static struct newcomer newcomers[NEWCOMERS_MAX];
static atomic_uint newcomer_count; /* changed under the lock, read without it */

/* As many of a thread's as are looked at. */
#define OWN_MAX 64

static void drop(unsigned at)
{
    unsigned left = atomic_load(&newcomer_count) - 1;
    memmove(&newcomers[at], &newcomers[at + 1], (left - at) * sizeof *newcomers);
    atomic_store(&newcomer_count, left);
}

static void remember(SSL *ssl, const struct libssl *libssl)
{
    process_lock();
    if (atomic_load(&newcomer_count) == NEWCOMERS_MAX)
        drop(0);
    unsigned count = atomic_load(&newcomer_count);
    newcomers[count] = (struct newcomer){ssl, libssl, &busy};
    atomic_store(&newcomer_count, count + 1);
    process_unlock();
}

static void forget(const SSL *ssl)
{
    if (atomic_load(&newcomer_count) == 0)
        return;
    process_lock();
    for (unsigned i = atomic_load(&newcomer_count); i-- > 0;) {
        if (newcomers[i].ssl == ssl)
            drop(i);
    }
    process_unlock();
}

/* The last of those that this thread made, in the order of birth. */
static unsigned find_own(const struct libssl *libssl, SSL *own[OWN_MAX])
{
    unsigned found = 0;
    process_lock();
    for (unsigned i = 0; i < atomic_load(&newcomer_count); i++) {
        if (newcomers[i].libssl != libssl || newcomers[i].thread != &busy)
            continue;
        if (found == OWN_MAX) {
            for (found = 0; found < OWN_MAX - 1; found++)
                own[found] = own[found + 1];
        }
        own[found++] = newcomers[i].ssl;
    }
    process_unlock();
    return found;
}

/* Makes us hear of its handshake. False: we do already. */
static bool adopt(struct libssl *libssl, SSL *ssl)
{
    ossl_info_cb *info = libssl->fn.SSL_get_info_callback(ssl);
    if (info == libssl->on_info)
        return false;
    struct connection *connection = libssl_prepare(libssl) ? connection_make(libssl, ssl) : NULL;
    if (connection == NULL) {
        connection_cut(libssl, ssl); /* memory is short */
        return true;
    }
    connection->info = info;
    libssl_note_info(libssl, info);
    libssl->fn.SSL_set_info_callback(ssl, libssl->on_info);
    return true;
}

/* A handshake is under way. Without a valid policy nothing more leaves; else the pins are resolved. */
static void begin(struct libssl *libssl, SSL *ssl)
{
    if (start_is_refused(libssl, ssl)) {
        connection_cut(libssl, ssl);
        return;
    }
    bool begun = upstream_begin(snapshot_acquire(), libssl, ssl);
    snapshot_release();
    if (!begun)
        connection_cut(libssl, ssl);
}

/* True: nothing is left to be done. */
static bool look_at(struct libssl *libssl, SSL *ssl)
{
    if (libssl->fn.SSL_get_SSL_CTX(ssl) == NULL)
        return false; /* it is being built */
    if (context_of_ssl(libssl, ssl) != NULL)
        return true; /* governed from birth */
    (void)adopt(libssl, ssl);
    if (libssl->fn.SSL_is_server(ssl) || libssl->fn.SSL_in_before(ssl))
        return false; /* or not yet said what it will be */
    begin(libssl, ssl);
    return true;
}

static void on_connection(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    struct libssl *libssl = argp;
    (void)ptr;
    (void)ad;
    (void)idx;
    (void)argl;
    if (birth_is_seen())
        return;
    if (libssl_count() > 1)
        objects_remember(parent, libssl);
    remember(parent, libssl);
}

static void on_connection_end(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    (void)ptr;
    (void)ad;
    (void)idx;
    (void)argl;
    (void)argp;
    forget(parent);
}

/*
 * An SSL_SESSION: it is made while the ClientHello is built. Or a BIO: it is made for the socket, before the
 * handshake, and where a session is resumed no other is made.
 */
static void on_preparation(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    SSL *own[OWN_MAX];
    (void)parent;
    (void)ptr;
    (void)ad;
    (void)idx;
    (void)argl;
    if (atomic_load_explicit(&newcomer_count, memory_order_relaxed) == 0 || busy)
        return;
    int error = errno;
    busy = true;
    unsigned count = find_own(argp, own);
    for (unsigned i = 0; i < count; i++) {
        if (look_at(argp, own[i]))
            forget(own[i]);
    }
    busy = false;
    errno = error;
}

/* A certificate was verified, and if that was a server's in a handshake, the SSL is known. */
static void on_verified(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    struct libssl *libssl = argp;
    (void)parent;
    (void)ptr;
    (void)idx;
    (void)argl;
    if (busy)
        return;
    int error = errno;
    busy = true;
    SSL *ssl = libssl->fn.CRYPTO_get_ex_data(ad, libssl->fn.SSL_get_ex_data_X509_STORE_CTX_idx());
    if (ssl != NULL && !libssl->fn.SSL_is_server(ssl) && context_of_ssl(libssl, ssl) == NULL &&
        adopt(libssl, ssl))
        begin(libssl, ssl);
    busy = false;
    errno = error;
}

bool adopt_register(struct libssl *libssl)
{
    const struct ossl *fn = &libssl->fn;
    return fn->CRYPTO_get_ex_new_index(OSSL_EX_INDEX_SSL, 0, libssl, on_connection, NULL, on_connection_end) >
               0 &&
           fn->CRYPTO_get_ex_new_index(OSSL_EX_INDEX_SSL_SESSION, 0, libssl, on_preparation, NULL, NULL) >
               0 &&
           fn->CRYPTO_get_ex_new_index(OSSL_EX_INDEX_BIO, 0, libssl, on_preparation, NULL, NULL) > 0 &&
           fn->CRYPTO_get_ex_new_index(OSSL_EX_INDEX_X509_STORE_CTX, 0, libssl, NULL, NULL, on_verified) > 0;
}
