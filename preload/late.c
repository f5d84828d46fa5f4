#include "preload/late.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "preload/adopt.h"
#include "preload/birth.h"
#include "preload/process.h"
#include "preload/scope.h"
#include "preload/snapshot.h"

typedef void *open_object(const char *path, int mode);

/* What scope_loads() said at the last look. */
static atomic_ullong looked;
/*
 * The objects among which every libssl was found to lead to us, which stays so: a struct objects, its count
 * in the low half. Programs load plugins one by one, with a hundred objects there.
 */
static atomic_ullong settled;
#define SETTLED_MAX 0xffffffffU
static _Atomic(void *) real_dlsym;
/*
 * Our constructor ran. Before, sanitizers and allocators ask dlsym(3) for the functions whose place they
 * take, and any that we would call may be one of these. What is missed then is seen at the next call.
 */
static atomic_bool started;
/* What a look calls may itself call dlsym. */
static _Thread_local bool looking;

/* Do its calls of CRYPTO_new_ex_data lead elsewhere than to ours? */
static bool births_are_unseen(const struct object *libssl)
{
    const void *to = object_binding(libssl, "CRYPTO_new_ex_data");
    return to == NULL || !scope_is_own(to);
}

/*
 * Waits until whoever loads it is done, and keeps it loaded: OpenSSL pins itself only when it is used. The
 * loader finds it among what is loaded; it searches nothing. False: it is gone.
 */
static bool pin(const char *path)
{
    union {
        void *address;
        open_object *function;
    } open = {.address = scope_behind("dlopen")};
    if (path[0] == '\0')
        return true;
    return open.address != NULL && open.function(path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != NULL;
}

/* Once for each libssl. */
static void give_up(struct libssl *libssl, const char *why, const char *remedy)
{
    if (!atomic_exchange(&libssl->watched, true))
        birth_raise_ungoverned(why, remedy);
}

/* The libssl of an object, where it is to be watched and is not yet. */
static struct libssl *to_be_watched(const struct object *object)
{
    static atomic_bool told;
    if (snapshot_is_none())
        return NULL;
    struct libssl *libssl = libssl_at((const void *)object->low); /* NOLINT(performance-no-int-to-ptr) */
    if (libssl == NULL || !libssl->governed) {
        if (!atomic_exchange(libssl == NULL ? &told : &libssl->watched, true))
            birth_raise_unsupported(libssl);
        return NULL;
    }
    return atomic_load(&libssl->watched) ? NULL : libssl;
}

static bool register_births(struct libssl *libssl)
{
    return libssl->fn.CRYPTO_get_ex_new_index(OSSL_EX_INDEX_SSL_CTX, 0, libssl, birth_of_context, NULL,
                                              NULL) > 0;
}

static bool register_all(struct libssl *libssl)
{
    return register_births(libssl) && adopt_register(libssl);
}

static void register_with(struct libssl *libssl, bool (*registration)(struct libssl *libssl))
{
    /* libcrypto does not say for which of them it calls. */
    if (libssl_shares_watch(libssl))
        give_up(libssl, "a second libssl on one libcrypto", "load one libssl only");
    /* Two threads may do this at once; libcrypto then tells of everything twice, which does no harm. */
    else if (registration(libssl))
        atomic_store(&libssl->watched, true);
    else
        give_up(libssl, "a libssl for which memory is short", "free some memory");
}

static void watch(const struct object *object)
{
    const struct libssl *known =
        libssl_known_at((const void *)object->low); /* NOLINT(performance-no-int-to-ptr) */
    if (snapshot_is_none() || (known != NULL && atomic_load(&known->watched)))
        return;
    /* Before, its calls may not have been bound. */
    if (!pin(object->path) || !births_are_unseen(object))
        return;
    struct libssl *libssl = to_be_watched(object);
    if (libssl == NULL)
        return;
    register_with(libssl, register_all);
}

static struct objects load_settled(void)
{
    unsigned long long packed = atomic_load(&settled);
    return (struct objects){.unloads = packed >> 32, .count = packed & SETTLED_MAX};
}

static void store_settled(const struct objects *objects)
{
    if (objects->unloads < SETTLED_MAX && objects->count < SETTLED_MAX)
        atomic_store(&settled, objects->unloads << 32 | objects->count);
}

/* See object_above(). */
static bool next_unseen(const void *below, const struct objects *but, char path[PATH_MAX],
                        struct object *object, struct objects *all)
{
    return object_above(below, "SSL_CTX_new", births_are_unseen, but, path, object, all);
}

__attribute__((noinline)) static void look_again(void)
{
    char path[PATH_MAX];
    struct object object;
    struct objects all;
    const struct objects but = load_settled();
    bool found = next_unseen(NULL, &but, path, &object, &all);
    if (!found)
        store_settled(&all);
    while (found) {
        watch(&object);
        found =
            next_unseen((const void *)object.low, &but, path, &object, /* NOLINT(performance-no-int-to-ptr) */
                        NULL);
    }
}

static void look(void)
{
    unsigned long long loads = scope_loads();
    if (loads == atomic_load_explicit(&looked, memory_order_acquire) || looking)
        return;
    int error = errno;
    looking = true;
    look_again();
    looking = false;
    errno = error;
    atomic_store_explicit(&looked, loads, memory_order_release);
}

void *late_look(void)
{
    bool is_started = atomic_load_explicit(&started, memory_order_relaxed);
    if (is_started)
        look();
    void *real = atomic_load_explicit(&real_dlsym, memory_order_relaxed);
    if (real == NULL) {
        real = is_started ? scope_behind("dlsym") : scope_behind_at_start("dlsym");
        atomic_store_explicit(&real_dlsym, real, memory_order_relaxed);
    }
    return real;
}

/* Was the program started with a libssl? Of the one walk at the start. */
static bool has_libssl;

static bool note_libssl(const struct object *object)
{
    static const char begin[] = "libssl.so";
    has_libssl =
        has_libssl || (object->soname != NULL && strncmp(object->soname, begin, sizeof begin - 1) == 0);
    return births_are_unseen(object);
}

/*
 * What has OpenSSL in it whole, and exports it: an executable, as that of Node.js, or one of its libraries.
 * (At the start nothing was loaded with RTLD_DEEPBIND, so any call that the loader binds leads to ours.) This
 * one call of OpenSSL before main is harmless; most others would keep it from the settings that are made in
 * main.
 */
bool late_start(void)
{
    char path[PATH_MAX];
    struct object object;
    struct objects all;
    bool found = object_above(NULL, "SSL_CTX_new", note_libssl, NULL, path, &object, &all);
    if (!found) {
        store_settled(&all);
        atomic_store_explicit(&looked, all.loads, memory_order_release);
    }
    while (found) {
        struct libssl *libssl =
            object_binding(&object, "CRYPTO_new_ex_data") == NULL ? to_be_watched(&object) : NULL;
        if (libssl != NULL)
            register_with(libssl, register_births);
        found = object_above((const void *)object.low, /* NOLINT(performance-no-int-to-ptr) */
                             "SSL_CTX_new", note_libssl, NULL, path, &object, NULL);
    }
    atomic_store(&started, true);
    return has_libssl;
}
