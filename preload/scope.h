/*
 * The objects in this process, found without the loader's lock.
 *
 * dlopen(3), dlsym(3) and dladdr(3) take a lock that dlopen holds while constructors run, so a plugin whose
 * constructor waits for a thread that shakes hands would hang if a handshake asked them.
 * dl_iterate_phdr(3) does not take it.
 *
 * Threads: any. Nothing is kept between calls, and nothing is allocated.
 */
#ifndef TLSGRAFT_SCOPE_H
#define TLSGRAFT_SCOPE_H

#include <limits.h>
#include <stdbool.h>

#include "preload/symbols.h"

/* The linker's marks of where this object begins and ends. */
extern const char begin_of_object[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
extern const char end_of_object[] __asm__("_end") __attribute__((visibility("hidden")));

/* Does this object hold an address? What tlsgraft does for itself, it calls from there. */
static inline bool scope_is_own(const void *address)
{
    return (uintptr_t)address >= (uintptr_t)begin_of_object && (uintptr_t)address < (uintptr_t)end_of_object;
}

/* The object that holds an address. False: none does. */
bool object_of_address(const void *address, struct object *object);

/*
 * The objects of the loader's list at one time. Those that were there before are its first ones still, but
 * for as many as were unloaded since: what is loaded is added at its end. (See dlpi_adds, dlpi_subs in
 * dl_iterate_phdr(3).)
 */
struct objects {
    unsigned long long loads;
    unsigned long long unloads;
    size_t count;
};

/* Called while the loader's list is locked: it reads memory, and waits for nothing. */
typedef bool object_is_wanted(const struct object *object);

/*
 * Of the objects that define a function and are wanted, the lowest that lies above an address. False: there
 * is none. `but` (NULL: none): these are not looked at. `all` (may be NULL) becomes what is there now.
 */
bool object_above(const void *address, const char *function, object_is_wanted *is_wanted,
                  const struct objects *but, char path[PATH_MAX], struct object *object, struct objects *all);

/* The first object, of those that `object` names as needed, that defines a function. False: none does. */
bool object_needed_with(const struct object *object, const char *function, struct object *needed);

/* The same, and where none does, the first of those that they need in turn. */
bool object_needed_within(const struct object *object, const char *function, struct object *needed);

/*
 * The definition of a function that the object at `caller` would have been bound to without us: its own,
 * else that of an object it needs, else the first in the order of loading. NULL: there is none.
 */
void *scope_next(const char *function, const void *caller);

/* The same; `at` becomes the object at `caller`, one that holds nothing where there is none. */
void *scope_next_of(const char *function, const void *caller, struct object *at);

/*
 * The same without the last resort: false where neither the object at `caller` nor one it needs defines it.
 */
bool scope_definer(const char *function, const void *caller, struct object *at, struct object *definer);

/* The first in the order of loading, but for ours. False: none defines it. */
bool object_first_with(const char *function, struct object *definer);

/*
 * The definitions that come next after this object's in the order of loading, as RTLD_NEXT finds them, each
 * NULL where there is none. For what libc defines, and whoever else stands before it. At most SCOPE_AFTER_MAX
 * of them.
 */
#define SCOPE_AFTER_MAX 8
void scope_after(const char *const *names, void **found, size_t count);

/* The same for one. */
void *scope_behind(const char *function);

/*
 * The same without a call of any function, for the time before main: those that the host has put in the place
 * of libc's, as sanitizers do, may themselves be looking for libc's. One thread only.
 */
void *scope_behind_at_start(const char *function);

/* How many objects were loaded since the start of the process; those that are gone again count. */
unsigned long long scope_loads(void);

#endif
