#include "preload/objects.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "preload/process.h"
#include "preload/scope.h"

struct entry {
    const void *object; /* NULL: free */
    struct libssl *libssl;
};

/* Open addressing with a power of two of slots, at most half full; guarded by process_lock(). */
static struct entry *entries;
static size_t slots;
static size_t used;
static atomic_bool in_use; /* something was recorded: else nobody needs the lock */

static size_t home(const void *object)
{
    return (size_t)(((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15u >> 20) & (slots - 1);
}

static struct entry *find(const void *object)
{
    size_t i = home(object);
    while (entries[i].object != NULL && entries[i].object != object)
        i = (i + 1) & (slots - 1);
    return &entries[i];
}

static bool make_room(void)
{
    struct entry *old = entries;
    size_t old_slots = slots;
    if (2 * (used + 1) <= slots)
        return true;
    size_t wanted = slots == 0 ? 64 : 2 * slots;
    struct entry *larger = calloc(wanted, sizeof *larger);
    if (larger == NULL)
        return false;
    entries = larger;
    slots = wanted;
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].object != NULL)
            *find(old[i].object) = old[i];
    }
    free(old);
    return true;
}

bool objects_remember(const void *object, struct libssl *libssl)
{
    process_lock();
    bool done = make_room();
    if (done) {
        struct entry *entry = find(object);
        used += entry->object == NULL;
        *entry = (struct entry){object, libssl};
        atomic_store_explicit(&in_use, true, memory_order_release);
    }
    process_unlock();
    return done;
}

void objects_forget(const void *object)
{
    if (!atomic_load_explicit(&in_use, memory_order_acquire))
        return;
    process_lock();
    struct entry *entry = find(object);
    if (entry->object != NULL) {
        used--;
        entry->object = NULL;
        /* What stands behind the gap may have been put there because of it. */
        for (size_t i = (size_t)(entry - entries + 1) & (slots - 1); entries[i].object != NULL;
             i = (i + 1) & (slots - 1)) {
            struct entry moved = entries[i];
            entries[i].object = NULL;
            *find(moved.object) = moved;
        }
    }
    process_unlock();
}

struct libssl *objects_libssl(const void *object, const char *function, const void *caller)
{
    struct libssl *libssl = libssl_only();
    if (libssl != NULL || libssl_count() == 0)
        return libssl;
    if (atomic_load_explicit(&in_use, memory_order_acquire)) {
        process_lock();
        const struct entry *entry = find(object);
        libssl = entry->object == NULL ? NULL : entry->libssl;
        process_unlock();
        if (libssl != NULL)
            return libssl;
    }
    /* Born before the second libssl came: what the caller would have been bound to tells. */
    return libssl_known_at(scope_next(function, caller));
}
