/*
 * Birth: libssl tells libcrypto of each SSL_CTX and SSL that it makes, by CRYPTO_new_ex_data. That call
 * crosses two shared objects, so it is ours to see however the program came by its functions.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "preload/birth.h"
#include "preload/connection.h"
#include "preload/hooks.h"
#include "preload/notice.h"
#include "preload/objects.h"
#include "preload/process.h"
#include "preload/scope.h"
#include "preload/snapshot.h"

/* Of the range for private use (RFC 8446, section 11: 65280 to 65535). Nothing is sent with it, but see
 * on_client_hello(). */
#define PRIVATE_EXTENSION 65413

/*
 * The first argument is a whole register: in forks of OpenSSL it is a pointer, and must pass unchanged.
 */
typedef int new_ex_data(uintptr_t index, void *object, CRYPTO_EX_DATA *ad);

/*
 * Where calls from one object go. Asked for at every object that OpenSSL makes (a curl does 700), so what was
 * found once for a libcrypto or a libssl is kept: these never go away. Others, who call it rarely, are looked
 * up each time.
 */
struct route {
    uintptr_t low, high;
    new_ex_data *to;
};
#define ROUTES_MAX 8
static struct route routes[ROUTES_MAX];
static atomic_uint route_count;

/* This thread is in the hook: what libcrypto tells of the same birth is no news. */
static _Thread_local bool in_hook;

static void keep_route(const struct object *object, new_ex_data *to)
{
    process_lock();
    unsigned known = atomic_load_explicit(&route_count, memory_order_relaxed);
    bool is_there = false;
    for (unsigned i = 0; i < known; i++)
        is_there = is_there || routes[i].low == object->low; /* another thread was faster */
    if (!is_there && known < ROUTES_MAX) {
        routes[known] = (struct route){object->low, object->high, to};
        atomic_store_explicit(&route_count, known + 1, memory_order_release);
    }
    process_unlock();
}

static new_ex_data *find_route(const void *caller)
{
    struct object object;
    union {
        void *address;
        new_ex_data *function;
    } to = {.address = scope_next_of("CRYPTO_new_ex_data", caller, &object)};
    bool full = atomic_load_explicit(&route_count, memory_order_relaxed) == ROUTES_MAX;
    if (to.address != NULL && !full && object_holds(&object, caller) &&
        (object_function(&object, "CRYPTO_new_ex_data") != NULL ||
         object_function(&object, "SSL_CTX_new") != NULL))
        keep_route(&object, to.function);
    return to.function;
}

static inline new_ex_data *route(const void *caller)
{
    unsigned known = atomic_load_explicit(&route_count, memory_order_acquire);
    for (unsigned i = 0; i < known; i++) {
        if ((uintptr_t)caller - routes[i].low < routes[i].high - routes[i].low)
            return routes[i].to;
    }
    return find_route(caller);
}

void birth_raise_ungoverned(const char *what, const char *remedy)
{
    const struct snapshot *snapshot = snapshot_acquire();
    char words[256];
    snprintf(words, sizeof words, "%s: connections made by it are not checked; %s", what, remedy);
    struct event event = {.kind = EVENT_UNGOVERNED, .message = words};
    if (snapshot->policy == NULL || snapshot->policy->report_ungoverned)
        snapshot_raise(snapshot, &event);
    snapshot_release();
}

void birth_raise_unsupported(const struct libssl *libssl)
{
    birth_raise_ungoverned(libssl == NULL ? "one libssl more than can be governed" : libssl->why,
                           "use OpenSSL 1.1.1 to 4.x");
}

/* An SSL_CTX is there, all zero but for a few members. False: memory is short. */
static bool govern(struct libssl *libssl, SSL_CTX *context, CRYPTO_EX_DATA *ad)
{
    const struct ossl *fn = &libssl->fn;
    if (!libssl_prepare(libssl))
        return false;
    /* Two threads may have registered with one libcrypto at once, and it then tells twice. */
    if (fn->CRYPTO_get_ex_data(ad, libssl_context_index(libssl)) != NULL)
        return true;
    if (!context_create(libssl, ad))
        return false;
    fn->SSL_CTX_set_cert_verify_callback(context, verdict, libssl);
    fn->SSL_CTX_set_info_callback(context, libssl->on_info);
    return fn->SSL_CTX_add_custom_ext(context, PRIVATE_EXTENSION, OSSL_EXT_CLIENT_HELLO, on_client_hello,
                                      NULL, libssl, NULL, NULL) == 1;
}

static bool context_is_born(const void *caller, SSL_CTX *context, CRYPTO_EX_DATA *ad)
{
    struct libssl *libssl = libssl_at(caller);
    if (snapshot_is_none())
        return true;
    if (libssl == NULL || !libssl->governed) {
        birth_raise_unsupported(libssl);
        return true;
    }
    return govern(libssl, context, ad);
}

bool birth_is_seen(void)
{
    return in_hook;
}

void birth_of_context(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    struct libssl *libssl = argp;
    SSL_CTX *context = parent;
    int error = errno;
    (void)ptr;
    (void)idx;
    (void)argl;
    if (birth_is_seen())
        return;
    if (libssl_count() > 1)
        objects_remember(context, libssl);
    if (!govern(libssl, context, ad)) {
        /* The birth cannot be refused from here. These two need no memory, and refuse where it is short. */
        libssl->fn.SSL_CTX_set_cert_verify_callback(context, verdict, libssl);
        libssl->fn.SSL_CTX_set_info_callback(context, libssl->on_info);
    }
    errno = error;
}

int CRYPTO_new_ex_data(uintptr_t index, void *object, CRYPTO_EX_DATA *ad)
{
    const void *caller = __builtin_return_address(0);
    new_ex_data *real = route(caller);
    if (real == NULL)
        return 0;
    if (index > OSSL_EX_INDEX_SSL_CTX)
        return real(index, object, ad);
    bool before = in_hook;
    in_hook = true;
    int made = real(index, object, ad);
    in_hook = before;
    if (made != 1)
        return made;
    int error = errno;
    if (index == OSSL_EX_INDEX_SSL_CTX)
        made = context_is_born(caller, object, ad);
    if (made && libssl_count() > 1) {
        struct libssl *libssl = libssl_known_at(caller);
        /* Those of others are found through their callers; nobody would tell us of their end. */
        made = libssl == NULL || !libssl_is_prepared(libssl) || objects_remember(object, libssl);
    }
    errno = error;
    return made;
}
