/*
 * The store in Redis: writing and deleting. Record and index change in one MULTI/EXEC, which does nothing if
 * one of them has changed since it was looked at (WATCH); then it is tried again. EXEC takes nothing back
 * where a key is of another type than the command's, so the types are looked at before.
 */
#include <stdio.h>
#include <string.h>

#include "policy/store_redis.h"

enum {
    TRIES = 100, /* others may write to the same index all the time */
    PAGE = 1000  /* elements of the index in one exchange */
};

/* One change of the store. */
struct redis_change {
    struct redis_link link;
    char record[REDIS_KEY_SIZE];
    char index[REDIS_KEY_SIZE]; /* "": there is none */
    char element[REDIS_KEY_SIZE];
};

enum outcome { CHANGED, RACED, BROKEN /* `why` tells */ };

static void change_init(struct redis_change *change, const struct store_settings *store,
                        const char *organisation, const char *id, char *why)
{
    redis_link_init(&change->link, store, store->timeout_ms, why);
    redis_record_key(id, change->record);
    redis_index_element(id, change->element);
    change->index[0] = '\0';
    if (organisation[0] != '\0')
        redis_index_key(organisation, change->index);
}

static bool skip_status(struct redis_link *link)
{
    struct redis_reply *reply = redis_link_expect(link, REDIS_IS_STATUS);
    redis_reply_free(reply);
    return reply != NULL;
}

static bool take_integer(struct redis_link *link, long long *value)
{
    struct redis_reply *reply = redis_link_expect(link, REDIS_IS_INTEGER);
    if (reply == NULL)
        return false;
    *value = reply->integer;
    redis_reply_free(reply);
    return true;
}

/* Is a key, whose TYPE was asked, of this type, or not there? */
static bool take_type(struct redis_link *link, const char *key, const char *type)
{
    struct redis_reply *reply = redis_link_expect(link, REDIS_IS_STATUS);
    if (reply == NULL)
        return false;
    bool is_right = strcmp(reply->text, type) == 0 || strcmp(reply->text, "none") == 0;
    if (!is_right)
        store_fail(link->why,
                   "its key %s is no %s (TYPE), as it is in a store; see what it is, and rename or delete it",
                   key, type);
    redis_reply_free(reply);
    return is_right;
}

/* What is changed must not change before. */
static bool watch(struct redis_change *change)
{
    struct redis_link *link = &change->link;
    redis_link_renew(link);
    if (!redis_link_add_texts(link, "WATCH", change->record, NULL) || !skip_status(link))
        return false;
    if (change->index[0] == '\0')
        return true;
    return redis_link_add_texts(link, "WATCH", change->index, NULL) &&
           redis_link_add_texts(link, "TYPE", change->index, NULL) && skip_status(link) &&
           take_type(link, change->index, "list");
}

/* Is the element in the index? A page of it; `*count`: its elements. */
static bool find_in_page(struct redis_change *change, size_t from, size_t *count, bool *found)
{
    char first[24];
    char last[24];
    snprintf(first, sizeof first, "%zu", from);
    snprintf(last, sizeof last, "%zu", from + PAGE - 1);
    redis_link_renew(&change->link);
    struct redis_reply *reply =
        redis_link_add_texts(&change->link, "LRANGE", change->index, first, last, NULL)
            ? redis_link_expect(&change->link, REDIS_IS_ARRAY)
            : NULL;
    if (reply == NULL)
        return false;
    for (size_t i = 0; i < reply->count; i++) {
        const struct redis_reply *element = reply->elements[i];
        *found = *found || (element->type == REDIS_IS_TEXT && strcmp(element->text, change->element) == 0);
    }
    *count = reply->count;
    redis_reply_free(reply);
    return true;
}

static bool find_in_index(struct redis_change *change, bool *found)
{
    size_t count = PAGE;
    *found = false;
    for (size_t from = 0; count == PAGE && !*found; from += PAGE) {
        if (!find_in_page(change, from, &count, found))
            return false;
    }
    return true;
}

/* All that was queued has been done; `done` (of `count`): the integers that were answered. */
static enum outcome take_array(struct redis_link *link, const struct redis_reply *array, long long *done,
                               size_t count)
{
    if (array->count != count) {
        store_fail(link->why, "it answers EXEC with nonsense; is it Redis that listens there?");
        return BROKEN;
    }
    for (size_t i = 0; i < count; i++) {
        if (array->elements[i]->type == REDIS_IS_ERROR) {
            redis_error_fail(array->elements[i], link->why);
            return BROKEN;
        }
        done[i] = array->elements[i]->integer;
    }
    return CHANGED;
}

/* Without an answer to EXEC nobody knows. */
static void say_that_it_may_be_done(struct redis_link *link)
{
    char before[STORE_WHY_SIZE];
    memcpy(before, link->why, sizeof before);
    store_fail(link->why, "%.*s; the change may have been made all the same: see 'tlsgraft cert show'",
               STORE_WHY_SIZE - 96, before);
}

/* The answers to MULTI and to the `count` commands after it, each of which is queued. */
static bool are_queued(struct redis_link *link, size_t count)
{
    for (size_t i = 0; i <= count; i++) {
        if (!skip_status(link))
            return false;
    }
    return true;
}

static enum outcome take_outcome(struct redis_link *link, const struct redis_reply *reply, long long *done,
                                 size_t count)
{
    if (reply->type == REDIS_IS_NIL)
        return RACED;
    if (reply->type == REDIS_IS_ARRAY)
        return take_array(link, reply, done, count);
    if (reply->type == REDIS_IS_ERROR)
        redis_error_fail(reply, link->why);
    else
        store_fail(link->why, "it answers EXEC with nonsense; is it Redis that listens there?");
    return BROKEN;
}

/* Ends what MULTI has begun; `count` commands have been added since. */
static enum outcome execute(struct redis_link *link, long long *done, size_t count)
{
    if (!redis_link_add_texts(link, "EXEC", NULL))
        return BROKEN;
    bool queued = are_queued(link, count);
    struct redis_reply *reply = queued ? redis_link_reply(link) : NULL;
    if (link->parser == NULL)
        say_that_it_may_be_done(link);
    enum outcome outcome = reply == NULL ? BROKEN : take_outcome(link, reply, done, count);
    redis_reply_free(reply);
    return outcome;
}

static enum outcome set_record(struct redis_change *change, const struct store_upload *upload, bool add)
{
    struct redis_link *link = &change->link;
    long long done[2];
    const struct redis_word set[] = {
        redis_word("SET"), redis_word(change->record), {upload->text, upload->length}};
    redis_link_renew(link);
    if (!redis_link_add_texts(link, "MULTI", NULL) || !redis_link_add(link, set, sizeof set / sizeof *set) ||
        (add && !redis_link_add_texts(link, "RPUSH", change->index, change->element, NULL)))
        return BROKEN;
    return execute(link, done, add ? 2 : 1);
}

/* What was read before it was watched may have been replaced since: STORE_EXISTS. RACED: it has just gone. */
static enum outcome may_replace(struct redis_change *change, const struct store_upload *upload,
                                enum store_result *result)
{
    struct redis_link *link = &change->link;
    struct redis_reply *reply =
        redis_link_add_texts(link, "GET", change->record, NULL) ? redis_link_reply(link) : NULL;
    if (reply == NULL)
        return BROKEN;
    enum outcome outcome = reply->type == REDIS_IS_TEXT ? CHANGED : RACED;
    if (reply->type == REDIS_IS_ERROR) {
        redis_error_fail(reply, link->why);
        outcome = BROKEN;
    } else if (outcome == CHANGED && !store_is_replaced(upload, reply->text, reply->length)) {
        *result = STORE_EXISTS;
    }
    redis_reply_free(reply);
    return outcome;
}

/* One try. `*result` counts if it has CHANGED. */
static enum outcome try_write(struct redis_change *change, const struct store_upload *upload,
                              enum store_result *result)
{
    struct redis_link *link = &change->link;
    long long exists = 0;
    bool is_in_index = true;
    *result = STORE_DONE;
    if (!watch(change) || !redis_link_add_texts(link, "EXISTS", change->record, NULL) ||
        !take_integer(link, &exists))
        return BROKEN;
    if (exists != 0 && upload->replaces == NULL) {
        *result = STORE_EXISTS;
        return CHANGED;
    }
    if (exists != 0 && (!redis_link_add_texts(link, "TYPE", change->record, NULL) ||
                        !take_type(link, change->record, "string")))
        return BROKEN;
    enum outcome may = exists != 0 ? may_replace(change, upload, result) : CHANGED;
    if (may != CHANGED || *result != STORE_DONE)
        return may;
    if (change->index[0] != '\0' && !find_in_index(change, &is_in_index))
        return BROKEN;
    return set_record(change, upload, !is_in_index);
}

static enum outcome try_remove(struct redis_change *change, enum store_result *result)
{
    struct redis_link *link = &change->link;
    bool has_index = change->index[0] != '\0';
    long long done[2] = {0};
    long long *deleted = has_index ? &done[1] : &done[0];
    if (!watch(change) || !redis_link_add_texts(link, "MULTI", NULL) ||
        (has_index && !redis_link_add_texts(link, "LREM", change->index, "0", change->element, NULL)) ||
        !redis_link_add_texts(link, "DEL", change->record, NULL))
        return BROKEN;
    enum outcome outcome = execute(link, done, has_index ? 2 : 1);
    *result = *deleted > 0 ? STORE_DONE : done[0] > 0 ? STORE_UNLISTED : STORE_ABSENT;
    return outcome;
}

/* `upload` NULL: the record is removed. */
static enum store_result change_store(struct redis_change *change, const struct store_upload *upload)
{
    enum store_result result = STORE_FAILED;
    enum outcome outcome = redis_link_open(&change->link) ? RACED : BROKEN;
    for (int i = 0; outcome == RACED && i < TRIES; i++)
        outcome = upload != NULL ? try_write(change, upload, &result) : try_remove(change, &result);
    if (outcome == RACED)
        store_fail(change->link.why, "others write to the same index all the time; try again");
    redis_link_close(&change->link);
    return outcome == CHANGED ? result : STORE_FAILED;
}

static enum store_result write_record(const struct store_settings *store, const struct store_upload *upload,
                                      char *why)
{
    struct redis_change change;
    change_init(&change, store, upload->organisation, upload->id, why);
    return change_store(&change, upload);
}

static enum store_result remove_record(const struct store_settings *store, const char *organisation,
                                       const char *id, char *why)
{
    struct redis_change change;
    change_init(&change, store, organisation, id, why);
    return change_store(&change, NULL);
}

const struct store_manager store_redis_manager = {
    .write = write_record,
    .remove = remove_record,
    .list = store_redis_list,
};
