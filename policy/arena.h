/*
 * Memory that is freed all at once: a policy, or one run of the parser.
 *
 * Owner: whoever called arena_init(); arena_free() ends the life of every block. Not thread-safe. Chunks
 * come from malloc(3).
 */
#ifndef TLSGRAFT_ARENA_H
#define TLSGRAFT_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t limit;               /* bytes, in all */
    size_t used;                /* bytes, in all chunks */
    bool failed;                /* an allocation failed, or went over the limit */
};

/* An empty arena that may grow to `limit` bytes. Allocates nothing. */
void arena_init(struct arena *arena, size_t limit);

/* Frees every block. The arena is as after arena_init(). */
void arena_free(struct arena *arena);

/* Frees every block too, but keeps the newest chunk, for blocks of the same sizes again. */
void arena_clear(struct arena *arena);

/* Overwrites all that the blocks hold, so that no secret stays in freed memory. They are of no use then. */
void arena_wipe(struct arena *arena);

/* `size` zeroed bytes, aligned for any type but long double and vectors; NULL (and `failed`) where there is
 * no memory. */
void *arena_alloc(struct arena *arena, size_t size);

/*
 * Makes `block` (NULL: a new one) at least `size` bytes long. It may move; the old place then stays as it
 * was. Capacities double, so growing step by step costs no more than a constant factor.
 */
void *arena_grow(struct arena *arena, void *block, size_t size);

/* A copy of `length` bytes of `text`, NUL-terminated. */
char *arena_text(struct arena *arena, const char *text, size_t length);

/* printf(3) into the arena; NULL where there is no memory. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
