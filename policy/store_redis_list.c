/* The store in Redis: the records of an organisation, by its index or, without one, by a search. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/store_redis.h"

enum {
    PAGE = 1000,         /* elements of the index, and keys that are looked at, in one exchange */
    RECORDS_AT_ONCE = 64 /* each may have RECORD_TEXT_MAX bytes */
};

static enum store_result no_memory(struct redis_link *link)
{
    return store_fail(link->why, "there is not enough memory to list it");
}

/* What is no element of ours keeps its name, which no record can have. */
static bool add_element(struct store_ids *list, const struct redis_reply *element)
{
    size_t prefix = strlen(REDIS_ELEMENT_PREFIX);
    bool is_ours = strncmp(element->text, REDIS_ELEMENT_PREFIX, prefix) == 0;
    size_t skip = is_ours ? prefix : 0;
    return store_ids_add(list, element->text + skip, element->length - skip);
}

/* Adds the texts of an array. */
static enum store_result add_all(struct redis_link *link, struct store_ids *list,
                                 const struct redis_reply *array,
                                 bool (*add)(struct store_ids *list, const struct redis_reply *element))
{
    for (size_t i = 0; i < array->count; i++) {
        if (array->elements[i]->type != REDIS_IS_TEXT)
            return store_fail(link->why,
                              "it lists something else than texts; is it Redis that listens there?");
        if (!add(list, array->elements[i]))
            return no_memory(link);
    }
    return STORE_DONE;
}

static enum store_result read_index(struct redis_link *link, const char *organisation, struct store_ids *list)
{
    char key[REDIS_KEY_SIZE];
    enum store_result result = STORE_DONE;
    size_t got = PAGE;
    redis_index_key(organisation, key);
    for (size_t from = 0; result == STORE_DONE && got == PAGE; from += PAGE) {
        char first[24];
        char last[24];
        snprintf(first, sizeof first, "%zu", from);
        snprintf(last, sizeof last, "%zu", from + PAGE - 1);
        redis_link_renew(link);
        struct redis_reply *reply = redis_link_add_texts(link, "LRANGE", key, first, last, NULL)
                                        ? redis_link_expect(link, REDIS_IS_ARRAY)
                                        : NULL;
        if (reply == NULL)
            return STORE_FAILED;
        got = reply->count;
        result = add_all(link, list, reply, add_element);
        redis_reply_free(reply);
    }
    return result;
}

/* A pattern of SCAN for the keys of an organisation's records; its own characters count as such. */
static void make_pattern(const char *organisation, char pattern[2 * REDIS_KEY_SIZE])
{
    char *out = stpcpy(pattern, REDIS_RECORD_PREFIX);
    for (; *organisation != '\0'; organisation++) {
        if (strchr("*?[]\\^-", *organisation) != NULL)
            *out++ = '\\';
        *out++ = *organisation;
    }
    *out++ = '*';
    *out = '\0';
}

static bool add_key(struct store_ids *list, const struct redis_reply *element)
{
    size_t prefix = strlen(REDIS_RECORD_PREFIX);
    return element->length <= prefix || store_ids_add(list, element->text + prefix, element->length - prefix);
}

/* One step of the search. `*cursor` becomes the next; "0": it was the last. */
static enum store_result scan_on(struct redis_link *link, const char *pattern, char cursor[24],
                                 struct store_ids *list)
{
    char page[24];
    snprintf(page, sizeof page, "%d", PAGE);
    redis_link_renew(link);
    struct redis_reply *reply =
        redis_link_add_texts(link, "SCAN", cursor, "MATCH", pattern, "COUNT", page, NULL)
            ? redis_link_expect(link, REDIS_IS_ARRAY)
            : NULL;
    if (reply == NULL)
        return STORE_FAILED;
    enum store_result result;
    if (reply->count == 2 && reply->elements[0]->type == REDIS_IS_TEXT && reply->elements[0]->length < 24 &&
        reply->elements[1]->type == REDIS_IS_ARRAY) {
        memcpy(cursor, reply->elements[0]->text, reply->elements[0]->length + 1);
        result = add_all(link, list, reply->elements[1], add_key);
    } else {
        result = store_fail(link->why, "it answers SCAN with nonsense; is it Redis that listens there?");
    }
    redis_reply_free(reply);
    return result;
}

static int in_order(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* A search tells a key twice, and those of other organisations whose names begin alike. */
static void keep_own_once(struct store_ids *list, const char *organisation)
{
    size_t kept = 0;
    if (list->count > 0)
        qsort(list->ids, list->count, sizeof *list->ids, in_order);
    for (size_t i = 0; i < list->count; i++) {
        bool is_known = kept > 0 && strcmp(list->ids[kept - 1], list->ids[i]) == 0;
        if (is_known || !store_is_of(organisation, list->ids[i]))
            free(list->ids[i]);
        else
            list->ids[kept++] = list->ids[i];
    }
    list->count = kept;
}

static enum store_result search(struct redis_link *link, const char *organisation, struct store_ids *list)
{
    char pattern[2 * REDIS_KEY_SIZE];
    char cursor[24] = "0";
    enum store_result result;
    make_pattern(organisation, pattern);
    do
        result = scan_on(link, pattern, cursor, list);
    while (result == STORE_DONE && strcmp(cursor, "0") != 0);
    keep_own_once(list, organisation);
    return result;
}

/* Shows a batch. False: the visitor has seen enough. */
static bool show(const struct store_ids *list, size_t from, size_t count, const enum store_result *results,
                 const struct store_text *texts, char (*whys)[STORE_WHY_SIZE],
                 bool (*visit)(void *context, const struct store_listed *listed), void *context)
{
    bool more = true;
    for (size_t i = 0; more && i < count; i++) {
        const struct store_listed listed = {.id = list->ids[from + i],
                                            .result = results[i],
                                            .text = texts[i].text,
                                            .length = texts[i].length,
                                            .why = whys[i],
                                            .number = from + i,
                                            .total = list->count};
        more = visit(context, &listed);
    }
    return more;
}

/* The connection may have gone: then nothing more can be told. What cannot be an id is not asked for. */
static bool read_batch(struct redis_link *link, const struct store_ids *list, size_t from, size_t count,
                       enum store_result *results, struct store_text *texts, char (*whys)[STORE_WHY_SIZE])
{
    const char *ids[RECORDS_AT_ONCE];
    size_t places[RECORDS_AT_ONCE];
    char *read_whys[RECORDS_AT_ONCE];
    enum store_result read_results[RECORDS_AT_ONCE];
    struct store_text read_texts[RECORDS_AT_ONCE] = {{0}};
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        const char *fault = record_id_fault(list->ids[from + i]);
        texts[i] = (struct store_text){0};
        results[i] = STORE_FAILED;
        if (fault != NULL) {
            store_fail(whys[i], "the index names it, and it can be no id: %s; remove it there (LREM)", fault);
            continue;
        }
        read_whys[asked] = whys[i];
        places[asked] = i;
        ids[asked++] = list->ids[from + i];
    }
    redis_link_renew(link);
    redis_read_many(link, ids, asked, read_results, read_texts, read_whys);
    for (size_t i = 0; i < asked; i++) {
        results[places[i]] = read_results[i];
        texts[places[i]] = read_texts[i];
    }
    return link->parser != NULL || link->was_too_long;
}

static enum store_result show_all(struct redis_link *link, const struct store_ids *list,
                                  bool (*visit)(void *context, const struct store_listed *listed),
                                  void *context)
{
    enum store_result results[RECORDS_AT_ONCE];
    struct store_text texts[RECORDS_AT_ONCE];
    char(*whys)[STORE_WHY_SIZE] = calloc(RECORDS_AT_ONCE, sizeof *whys);
    bool is_there = true;
    bool more = true;
    if (whys == NULL)
        return no_memory(link);
    for (size_t from = 0; is_there && more && from < list->count; from += RECORDS_AT_ONCE) {
        size_t left = list->count - from;
        size_t count = left < RECORDS_AT_ONCE ? left : RECORDS_AT_ONCE;
        is_there = read_batch(link, list, from, count, results, texts, whys);
        more = !is_there || show(list, from, count, results, texts, whys, visit, context);
        for (size_t i = 0; i < count; i++)
            store_text_free(&texts[i]);
    }
    free(whys);
    return is_there ? STORE_DONE : STORE_FAILED;
}

enum store_result store_redis_list(const struct store_settings *store, const char *organisation,
                                   bool (*visit)(void *context, const struct store_listed *listed),
                                   void *context, char *why)
{
    struct redis_link link;
    struct store_ids list = {0};
    redis_link_init(&link, store, store->timeout_ms, why);
    enum store_result result = redis_link_open(&link) ? STORE_DONE : STORE_FAILED;
    if (result == STORE_DONE && organisation[0] != '\0')
        result = read_index(&link, organisation, &list);
    if (result == STORE_DONE && list.count == 0)
        result = search(&link, organisation, &list);
    if (result == STORE_DONE)
        result = show_all(&link, &list, visit, context);
    redis_link_close(&link);
    store_ids_free(&list);
    return result;
}
