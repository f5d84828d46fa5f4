#include "policy/records_cache.h"

#include <stdlib.h>
#include <string.h>

struct kept_text {
    size_t references; /* under the lock */
    size_t length;
    char *bytes; /* malloc(3), NUL-terminated */
};

static struct host_lock lock = HOST_LOCK_INITIAL;
uint64_t reads_begun;

struct host_lock *records_lock(void)
{
    return &lock;
}

/* Of the hash at the end of the id. */
static size_t bucket_of(const char *id)
{
    size_t length = strlen(id);
    unsigned hash = 0;
    for (size_t i = length < 8 ? 0 : length - 8; i < length; i++)
        hash = hash * 31 + (unsigned char)id[i];
    return hash % CACHE_BUCKETS;
}

struct entry *cache_find(const struct cache *cache, const char *id)
{
    struct entry *entry = cache->buckets[bucket_of(id)];
    while (entry != NULL && strcmp(entry->id, id) != 0)
        entry = entry->next;
    return entry;
}

struct entry *cache_make(struct cache *cache, const char *id)
{
    host_lock(&lock);
    struct entry *entry = cache_find(cache, id);
    host_unlock(&lock);
    if (entry != NULL)
        return entry;
    size_t size = strlen(id) + 1;
    struct entry *made = calloc(1, sizeof *made + size);
    if (made == NULL)
        return NULL;
    made->answer = RECORDS_FAILED;
    made->failed_ms = NEVER_MS;
    memcpy(made->id, id, size);
    host_lock(&lock);
    entry = cache_find(cache, id);
    if (entry == NULL) {
        struct entry **bucket = &cache->buckets[bucket_of(id)];
        made->next = *bucket;
        *bucket = made;
    }
    host_unlock(&lock);
    if (entry == NULL)
        return made;
    free(made); /* another thread was faster */
    return entry;
}

void cache_free(struct cache *cache)
{
    for (size_t i = 0; i < CACHE_BUCKETS; i++) {
        while (cache->buckets[i] != NULL) {
            struct entry *entry = cache->buckets[i];
            cache->buckets[i] = entry->next;
            records_release_text(entry->text);
            free(entry->why);
            free(entry);
        }
    }
}

struct kept_text *text_keep(struct store_text *bytes)
{
    struct kept_text *text = malloc(sizeof *text);
    if (text == NULL)
        store_text_free(bytes);
    else
        *text = (struct kept_text){1, bytes->length, bytes->text};
    *bytes = (struct store_text){0};
    return text;
}

bool text_is_same(const struct kept_text *a, const struct kept_text *b)
{
    return a != NULL && b != NULL && a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

const char *text_of(const struct kept_text *text, size_t *length)
{
    *length = text->length;
    return text->bytes;
}

struct kept_text *text_hold(struct kept_text *text)
{
    if (text != NULL)
        text->references++;
    return text;
}

struct kept_text *cache_set_text(struct cache *cache, struct entry *entry, struct kept_text *text)
{
    struct kept_text *old = entry->text;
    if (old != NULL)
        cache->text_bytes -= old->length;
    if (text != NULL && text->length > RECORDS_TEXTS_MAX - cache->text_bytes)
        text = NULL;
    if (text != NULL)
        cache->text_bytes += text->length;
    entry->text = text_hold(text);
    return old;
}

void records_release_text(struct kept_text *held)
{
    if (held == NULL)
        return;
    host_lock(&lock);
    bool last = --held->references == 0;
    host_unlock(&lock);
    if (!last)
        return;
    store_text_free(&(struct store_text){.text = held->bytes, .length = held->length});
    free(held);
}
