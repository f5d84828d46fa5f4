#include "policy/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK   ((size_t)4 << 10)
#define LARGEST_CHUNK ((size_t)1 << 20)

/* What a block may hold: anything but the vectors and the long double for which max_align_t is twice as wide.
 */
union anything {
    long long number;
    double fraction;
    void *pointer;
    void (*function)(void);
};
#define ALIGN _Alignof(union anything)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of data[] */
    size_t used; /* of data[] */
    _Alignas(union anything) unsigned char data[];
};

/* Before each block: how long it may grow where it stands. */
struct block_head {
    _Alignas(union anything) size_t capacity;
};

void arena_init(struct arena *arena, size_t limit)
{
    *arena = (struct arena){.limit = limit};
}

void arena_free(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    arena_init(arena, arena->limit);
}

void arena_clear(struct arena *arena)
{
    struct arena_chunk *kept = arena->chunks;
    if (kept == NULL)
        return;
    arena->chunks = kept->next;
    arena_free(arena);
    kept->next = NULL;
    kept->used = 0;
    arena->chunks = kept;
    arena->used = kept->size;
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next)
        explicit_bzero(chunk->data, chunk->used);
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t need)
{
    size_t size = arena->chunks == NULL ? FIRST_CHUNK : 2 * arena->chunks->size;
    if (size > LARGEST_CHUNK)
        size = LARGEST_CHUNK;
    if (size < need)
        size = need;
    if (size > arena->limit - arena->used)
        return NULL;
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct arena_chunk){.next = arena->chunks, .size = size};
    arena->chunks = chunk;
    arena->used += size;
    return chunk;
}

/* `align`: ALIGN; 1 for what is text. A power of two. */
static void *take(struct arena *arena, size_t size, size_t align)
{
    struct arena_chunk *chunk = arena->chunks;
    size_t at = chunk == NULL ? 0 : ((chunk->used + align - 1) & ~(align - 1));
    if (size > arena->limit)
        goto failed;
    if (chunk == NULL || at > chunk->size || size > chunk->size - at) {
        chunk = add_chunk(arena, size);
        at = 0;
    }
    if (chunk == NULL)
        goto failed;
    chunk->used = at + size;
    return chunk->data + at;
failed:
    arena->failed = true;
    return NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *block = take(arena, size, ALIGN);
    return block == NULL ? NULL : memset(block, 0, size);
}

void *arena_grow(struct arena *arena, void *block, size_t size)
{
    struct block_head *head = block == NULL ? NULL : (struct block_head *)block - 1;
    size_t capacity = size;
    if (head != NULL) {
        if (size <= head->capacity)
            return block;
        if (capacity < 2 * head->capacity)
            capacity = 2 * head->capacity;
    }
    if (capacity > arena->limit) {
        arena->failed = true;
        return NULL;
    }
    struct block_head *grown = take(arena, sizeof *grown + capacity, ALIGN);
    if (grown == NULL)
        return NULL;
    grown->capacity = capacity;
    if (head != NULL)
        memcpy(grown + 1, block, head->capacity);
    return grown + 1;
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = take(arena, length + 1, 1);
    if (copy == NULL)
        return NULL;
    copy[length] = '\0';
    return memcpy(copy, text, length);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : take(arena, (size_t)length + 1, 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}
