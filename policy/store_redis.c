/* The store in Redis, as Tyk Gateway keeps it there: the names of its keys, and reading. */
#include "policy/store_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void redis_record_key(const char *id, char key[REDIS_KEY_SIZE])
{
    snprintf(key, REDIS_KEY_SIZE, REDIS_RECORD_PREFIX "%s", id);
}

void redis_index_key(const char *organisation, char key[REDIS_KEY_SIZE])
{
    snprintf(key, REDIS_KEY_SIZE, "cert-%s-index", organisation);
}

void redis_index_element(const char *id, char element[REDIS_KEY_SIZE])
{
    snprintf(element, REDIS_KEY_SIZE, REDIS_ELEMENT_PREFIX "%s", id);
}

static enum store_result take_record(struct redis_reply *reply, struct store_text *text, char *why)
{
    switch (reply->type) {
    case REDIS_IS_TEXT:
        *text = (struct store_text){.text = reply->text, .length = reply->length};
        reply->text = NULL;
        return STORE_DONE;
    case REDIS_IS_NIL:
        return STORE_ABSENT;
    case REDIS_IS_ERROR:
        if (strncmp(reply->text, "WRONGTYPE", strlen("WRONGTYPE")) == 0)
            text->fault = STORE_FAULT_RECORD;
        return redis_error_fail(reply, why);
    default:
        return store_fail(why, "it answers something else than a record; is it Redis that listens there?");
    }
}

static bool ask_for(struct redis_link *link, const char *const *ids, size_t count)
{
    char key[REDIS_KEY_SIZE];
    bool added = true;
    for (size_t i = 0; i < count && added; i++) {
        redis_record_key(ids[i], key);
        added = redis_link_add_texts(link, "GET", key, NULL);
    }
    return added;
}

static void keep_why(const struct redis_link *link, char *const *whys, size_t i)
{
    if (whys != NULL)
        memcpy(whys[i], link->why, STORE_WHY_SIZE);
}

/* Reads until there is no next answer; returns how many there were. */
static size_t take_records(struct redis_link *link, size_t count, enum store_result *results,
                           struct store_text *texts, char *const *whys)
{
    size_t i = 0;
    struct redis_reply *reply;
    while (i < count && (reply = redis_link_reply(link)) != NULL) {
        results[i] = take_record(reply, &texts[i], link->why);
        if (results[i] == STORE_FAILED)
            keep_why(link, whys, i);
        redis_reply_free(reply);
        i++;
    }
    return i;
}

void redis_read_many(struct redis_link *link, const char *const *ids, size_t count,
                     enum store_result *results, struct store_text *texts, char *const *whys)
{
    size_t done = 0;
    bool goes_on = true;
    for (size_t i = 0; i < count; i++)
        results[i] = STORE_FAILED;
    while (goes_on && done < count) {
        goes_on = (link->parser != NULL || redis_link_open(link)) && ask_for(link, ids + done, count - done);
        if (goes_on)
            done += take_records(link, count - done, results + done, texts + done,
                                 whys != NULL ? whys + done : NULL);
        if (goes_on && done < count) {
            /* One that is too long is not to keep the others away. */
            goes_on = link->was_too_long;
            if (link->was_too_long)
                texts[done].fault = STORE_FAULT_RECORD;
            keep_why(link, whys, done);
            done++;
        }
    }
}

static void read_records(const struct store_settings *store, const char *const *ids, size_t count,
                         unsigned timeout_ms, enum store_result *results, struct store_text *texts, char *why)
{
    struct redis_link link;
    redis_link_init(&link, store, timeout_ms, why);
    redis_read_many(&link, ids, count, results, texts, NULL);
    for (size_t i = 0; i < count; i++) {
        if (results[i] == STORE_FAILED && texts[i].fault == STORE_FAULT_CONTACT)
            texts[i].fault = link.fault;
    }
    redis_link_close(&link);
}

static void name_of(const struct store_settings *store, char *name, size_t size)
{
    snprintf(name, size, "Redis %s", store->address);
}

const struct store_kind store_redis = {
    .name = name_of,
    .read = read_records,
};
