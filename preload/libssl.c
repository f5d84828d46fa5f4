#include "preload/libssl.h"

#include <stdio.h>
#include <string.h>

#include "preload/connection.h"
#include "preload/notice.h"
#include "preload/process.h"
#include "preload/scope.h"

static struct libssl all[LIBSSL_MAX];
static atomic_uint count;

/* Info callbacks get no argument of ours, so each libssl has a function of its own. */
#define NOTICE(n)                                                                                            \
    static void notice_##n(const SSL *ssl, int where, int ret)                                               \
    {                                                                                                        \
        notice(&all[n], ssl, where, ret);                                                                    \
    }
NOTICE(0)
NOTICE(1)
NOTICE(2)
NOTICE(3)
static ossl_info_cb *const notices[LIBSSL_MAX] = {notice_0, notice_1, notice_2, notice_3};

static void *find_in_object(void *context, const char *name, uint32_t hash, size_t size)
{
    return object_function_sized(context, name, hash, size);
}

unsigned libssl_count(void)
{
    return atomic_load_explicit(&count, memory_order_acquire);
}

struct libssl *libssl_only(void)
{
    return libssl_count() == 1 ? &all[0] : NULL;
}

struct libssl *libssl_known_at(const void *address)
{
    unsigned known = libssl_count();
    for (unsigned i = 0; i < known; i++) {
        if ((uintptr_t)address >= all[i].low && (uintptr_t)address < all[i].high)
            return &all[i];
    }
    return NULL;
}

bool libssl_shares_watch(const struct libssl *libssl)
{
    unsigned known = libssl_count();
    for (unsigned i = 0; i < known; i++) {
        if (&all[i] != libssl && all[i].governed && atomic_load(&all[i].watched) &&
            all[i].fn.CRYPTO_get_ex_new_index == libssl->fn.CRYPTO_get_ex_new_index)
            return true;
    }
    return false;
}

/* Fills the tables from the objects themselves; asks no function of OpenSSL but for its version. */
static void describe(struct libssl *libssl, struct object *object)
{
    struct object crypto;
    bool combined = object_function(object, "CRYPTO_new_ex_data") != NULL;
    const char *missing = NULL;
    libssl->low = object->low;
    libssl->high = object->high;
    if (combined)
        crypto = *object;
    else if (!object_needed_with(object, "CRYPTO_new_ex_data", &crypto))
        missing = "libcrypto";
    if (missing == NULL)
        missing = ossl_fill_crypto(&libssl->fn, find_in_object, &crypto);
    if (missing == NULL)
        missing = ossl_fill_ssl(&libssl->fn, find_in_object, object);
    libssl->governed = missing == NULL && ossl_is_supported(&libssl->fn);
    const char *name = object->soname == NULL ? "a libssl" : object->soname;
    if (missing != NULL)
        snprintf(libssl->why, sizeof libssl->why, "%.60s has no %.40s", name, missing);
    else if (!libssl->governed)
        snprintf(libssl->why, sizeof libssl->why, "%.60s is %.40s", name, libssl->fn.OpenSSL_version(0));
}

struct libssl *libssl_at(const void *address)
{
    struct object object;
    struct libssl *libssl = libssl_known_at(address);
    if (libssl != NULL)
        return libssl;
    process_lock();
    libssl = libssl_known_at(address);
    unsigned known = libssl_count();
    if (libssl == NULL && known < LIBSSL_MAX && object_of_address(address, &object) &&
        object_function(&object, "SSL_CTX_new") != NULL) {
        libssl = &all[known];
        libssl->number = known;
        libssl->on_info = notices[known];
        describe(libssl, &object);
        atomic_store_explicit(&count, known + 1, memory_order_release);
    }
    process_unlock();
    return libssl;
}

bool libssl_prepare(struct libssl *libssl)
{
    if (libssl_is_prepared(libssl))
        return true;
    /* Without a lock, for OpenSSL may call the host's allocator. Of two threads the slower one's are unused.
     */
    int context =
        libssl->fn.CRYPTO_get_ex_new_index(OSSL_EX_INDEX_SSL_CTX, 0, libssl, NULL, NULL, context_on_free);
    int connection = libssl->fn.CRYPTO_get_ex_new_index(OSSL_EX_INDEX_SSL, 0, libssl, NULL, connection_on_dup,
                                                        connection_on_free);
    uint64_t none = 0;
    if (context > 0 && connection > 0)
        atomic_compare_exchange_strong(&libssl->indices, &none,
                                       (uint64_t)context << 32 | (unsigned)connection);
    return libssl_is_prepared(libssl);
}
