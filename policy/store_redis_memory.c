/*
 * The memory of hiredis: in the copy that we link, malloc and its kin are renamed (policy/CMakeLists.txt) to
 * these functions. Its buffers hold passwords, and records with private keys, so each block is overwritten
 * before it is freed, or moved to grow. How long a block is stands in front of it: malloc_usable_size(3) is
 * not there for every malloc(3) that a host brings along.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
    size_t size;
    _Alignas(max_align_t) char bytes[];
};

/* The names that hiredis' copy calls. */
void *tlsgraft_redis_malloc(size_t size);
void *tlsgraft_redis_calloc(size_t count, size_t size);
void *tlsgraft_redis_realloc(void *bytes, size_t size);
void tlsgraft_redis_free(void *bytes);
char *tlsgraft_redis_strdup(const char *text);

static struct block *block_of(void *bytes)
{
    return (struct block *)((char *)bytes - offsetof(struct block, bytes));
}

void *tlsgraft_redis_malloc(size_t size)
{
    struct block *block = size > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->size = size;
    return block->bytes;
}

void *tlsgraft_redis_calloc(size_t count, size_t size)
{
    void *bytes = size != 0 && count > SIZE_MAX / size ? NULL : tlsgraft_redis_malloc(count * size);
    return bytes == NULL ? NULL : memset(bytes, 0, count * size);
}

void tlsgraft_redis_free(void *bytes)
{
    if (bytes == NULL)
        return;
    struct block *block = block_of(bytes);
    explicit_bzero(bytes, block->size);
    free(block);
}

void *tlsgraft_redis_realloc(void *bytes, size_t size)
{
    void *moved = tlsgraft_redis_malloc(size);
    if (bytes == NULL || moved == NULL)
        return moved;
    size_t before = block_of(bytes)->size;
    memcpy(moved, bytes, before < size ? before : size);
    tlsgraft_redis_free(bytes);
    return moved;
}

char *tlsgraft_redis_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = tlsgraft_redis_malloc(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}
