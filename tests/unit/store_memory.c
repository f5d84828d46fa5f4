/*
 * Both stores while memory is short: each allocation of each call fails once. The call then fails, says why,
 * and has changed nothing; a sanitizer's build tells of what was not freed. It is linked with --wrap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/redis.h"
#include "tests/unit/stores.h"
#include "tests/unit/support.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strndup(const char *text, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strndup(const char *text, size_t size);
char *__wrap_strdup(const char *text);

static unsigned left; /* allocations before the one that fails; 0: none does */
static bool has_failed;

static bool fails(void)
{
    has_failed = has_failed || left == 1;
    return left > 0 && --left == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return fails() ? NULL : __real_strndup(text, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

static bool count(void *context, const struct store_listed *listed)
{
    *(unsigned *)context += listed->result == STORE_DONE;
    return true;
}

static enum store_result do_write(const struct store_settings *store)
{
    return stores_write(store, ORGANISATION, 1);
}

static enum store_result do_read(const struct store_settings *store)
{
    struct store_text text;
    enum store_result result = stores_read(store, stores_id(ORGANISATION, 0), &text);
    free(text.text);
    return result;
}

static enum store_result do_list(const struct store_settings *store)
{
    unsigned seen = 0;
    enum store_result result = store_list(store, ORGANISATION, count, &seen, why);
    /* A record that could not be read is told as such, and the others are listed. */
    return result == STORE_DONE && seen != 1 ? STORE_FAILED : result;
}

static enum store_result do_search(const struct store_settings *store)
{
    unsigned seen = 0;
    enum store_result result = store_list(store, "", count, &seen, why);
    return result == STORE_DONE && seen != 1 ? STORE_FAILED : result;
}

static enum store_result do_delete(const struct store_settings *store)
{
    return store_delete(store, ORGANISATION, stores_id(ORGANISATION, 1), why);
}

/* Is record 1 there? */
static bool is_there(const struct store_settings *store)
{
    return stores_has(store, ORGANISATION, 1);
}

/* Brings record 1 back to where it was. */
static void set(const struct store_settings *store, bool there)
{
    if (is_there(store) != there)
        there ? do_write(store) : do_delete(store);
}

/* A call in which an allocation failed: it says so, and whether it may have changed something. */
static bool has_failed_well(const struct store_settings *store, enum store_result result, bool before)
{
    bool is_told = result == STORE_FAILED && why[0] != '\0';
    bool may_have_changed = strstr(why, "may have been made all the same") != NULL;
    bool has_changed = is_there(store) != before;
    set(store, before);
    return is_told && (may_have_changed || !has_changed);
}

/* How many allocations the call makes; 0: it did not do as it should. */
static unsigned with_each_failing(const struct store_settings *store, const char *name,
                                  enum store_result (*call)(const struct store_settings *store))
{
    bool before = is_there(store);
    for (unsigned number = 1;; number++) {
        why[0] = '\0';
        left = number;
        has_failed = false;
        enum store_result result = call(store);
        left = 0;
        if (!has_failed)
            return result == STORE_DONE ? number : 0;
        if (!has_failed_well(store, result, before)) {
            printf("%s: allocation %u: result %d\n", name, number, (int)result);
            return 0;
        }
    }
}

static bool holds(const char *name, const struct store_settings *store)
{
    bool ready =
        stores_write(store, ORGANISATION, 0) == STORE_DONE && stores_write(store, "", 7) == STORE_DONE;
    unsigned wrote = with_each_failing(store, "write", do_write);
    unsigned deleted = with_each_failing(store, "delete", do_delete);
    unsigned read = with_each_failing(store, "read", do_read);
    unsigned listed = with_each_failing(store, "list", do_list);
    unsigned searched = with_each_failing(store, "search", do_search);
    printf("%s: write %u delete %u read %u list %u search %u\n", name, wrote, deleted, read, listed,
           searched);
    return ready && wrote > 0 && deleted > 0 && read > 1 && listed > 1 && searched > 1;
}

int main(void)
{
    struct redis redis;
    directory_make(&directory);
    redis_start(&redis, NULL);
    const struct store_settings in_directory = {
        .type = STORE_DIRECTORY, .path = directory.path, .timeout_ms = 1};
    const struct store_settings in_redis = redis_by_socket(&redis);
    bool passed = holds("directory", &in_directory);
    passed = holds("redis", &in_redis) && passed;
    redis_stop(&redis);
    directory_remove(&directory);
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
