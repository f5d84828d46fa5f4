/*
 * A map from the addresses of OpenSSL's objects to what is known of them.
 *
 * Owner: whoever declares it, zeroed; the values stay the caller's. Not thread-safe: the caller has a lock.
 */
#ifndef TLSGRAFT_POINTER_MAP_H
#define TLSGRAFT_POINTER_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct pointer_map_entry {
    const void *key; /* NULL: free */
    void *value;
};

/* Open addressing with a power of two of slots, at most half full. */
struct pointer_map {
    struct pointer_map_entry *entries;
    size_t slots;
    size_t used;
};

/* NULL: it is not there. */
void *pointer_map_get(const struct pointer_map *map, const void *key);

/* Sets a value that is not NULL, in the place of one that is there. False: memory is short. */
bool pointer_map_set(struct pointer_map *map, const void *key, void *value);

/* Takes a key out, and returns its value. NULL: it was not there. */
void *pointer_map_take(struct pointer_map *map, const void *key);

#endif
