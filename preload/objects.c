#include "preload/objects.h"

#include <stdatomic.h>

#include "preload/pointer_map.h"
#include "preload/process.h"
#include "preload/scope.h"

static struct pointer_map libssls; /* guarded by process_lock() */
static atomic_bool in_use;         /* something was recorded: else nobody needs the lock */

bool objects_remember(const void *object, struct libssl *libssl)
{
    process_lock();
    bool done = pointer_map_set(&libssls, object, libssl);
    if (done)
        atomic_store_explicit(&in_use, true, memory_order_release);
    process_unlock();
    return done;
}

void objects_forget(const void *object)
{
    if (!atomic_load_explicit(&in_use, memory_order_acquire))
        return;
    process_lock();
    pointer_map_take(&libssls, object);
    process_unlock();
}

struct libssl *objects_libssl(const void *object, const char *function, const void *caller)
{
    struct libssl *libssl = libssl_only();
    if (libssl != NULL || libssl_count() == 0)
        return libssl;
    if (atomic_load_explicit(&in_use, memory_order_acquire)) {
        process_lock();
        libssl = pointer_map_get(&libssls, object);
        process_unlock();
        if (libssl != NULL)
            return libssl;
    }
    /* Born before the second libssl came: what the caller would have been bound to tells. */
    return libssl_known_at(scope_next(function, caller));
}
