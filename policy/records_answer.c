/* What was read of records, for those who ask: no input and output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/records_cache.h"

enum { NAME_SIZE = 128 }; /* beside it %.370s of a reason have room in STORE_WHY_SIZE */

/* The failure that an entry suffered from: its own, or that of the last contact. Under the lock. */
static const char *failure_of(const struct records *records, const struct entry *entry)
{
    if (entry != NULL && entry->failed_ms != NEVER_MS && entry->why != NULL)
        return entry->why;
    return records->why[0] != '\0' ? records->why : "it was not asked for this record";
}

static void say(const struct records *records, const char *name, const struct entry *entry,
                enum records_answer answer, char *why)
{
    switch (answer) {
    case RECORDS_FOUND:
        break;
    case RECORDS_ABSENT:
        snprintf(why, STORE_WHY_SIZE,
                 "%s has no such record; register it there with 'tlsgraft cert add', or mend the id", name);
        break;
    case RECORDS_FAILED:
        snprintf(why, STORE_WHY_SIZE, "%s: %.370s", name, failure_of(records, entry));
        break;
    case RECORDS_REFUSED:
        snprintf(
            why, STORE_WHY_SIZE,
            "%s holds something else than the record of this id: %.200s; see who wrote it, delete it, and "
            "register the record again",
            name, entry->why == NULL ? "there was not enough memory to say what" : entry->why);
        break;
    }
}

static enum records_answer answer_of(const struct entry *entry)
{
    if (entry == NULL || !entry->served)
        return RECORDS_FAILED;
    return entry->answer == RECORDS_FOUND && !entry->parsed ? RECORDS_FAILED : entry->answer;
}

enum records_answer records_pin(struct records *records, const char *id, const struct pin **pin, char *why)
{
    char name[NAME_SIZE] = "";
    if (why != NULL)
        store_name(records->settings, name, sizeof name);
    host_lock(records_lock());
    const struct entry *entry = cache_find(&records->cache, id);
    enum records_answer answer = answer_of(entry);
    if (answer == RECORDS_FOUND)
        *pin = &entry->pin;
    if (why != NULL)
        say(records, name, entry, answer, why);
    host_unlock(records_lock());
    return answer;
}

bool records_is_stale(struct records *records, const char *id, char *why)
{
    char name[NAME_SIZE];
    store_name(records->settings, name, sizeof name);
    host_lock(records_lock());
    const struct entry *entry = cache_find(&records->cache, id);
    bool stale = entry != NULL && entry->served && entry->stale;
    if (stale)
        snprintf(why, STORE_WHY_SIZE, "%s: %.370s", name, failure_of(records, entry));
    host_unlock(records_lock());
    return stale;
}

struct kept_text *records_hold_text(struct records *records, const char *id, const char **text,
                                    size_t *length)
{
    host_lock(records_lock());
    const struct entry *entry = cache_find(&records->cache, id);
    struct kept_text *held = answer_of(entry) == RECORDS_FOUND ? text_hold(entry->text) : NULL;
    host_unlock(records_lock());
    if (held != NULL)
        *text = text_of(held, length);
    return held;
}

/* Is it the store of the same records? How one logs in, and how long is waited, does not matter. */
static bool is_same_store(const struct store_settings *a, const struct store_settings *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == STORE_DIRECTORY)
        return strcmp(a->path, b->path) == 0;
    return a->database == b->database && strcmp(a->address, b->address) == 0;
}

static void inherit_one(struct records *records, struct records *from, const char *id)
{
    struct entry *entry = cache_make(&records->cache, id);
    struct kept_text *old = NULL;
    if (entry == NULL)
        return;
    host_lock(records_lock());
    const struct entry *known = cache_find(&from->cache, id);
    if (known != NULL && entry->answer == RECORDS_FAILED) {
        old = cache_set_text(&records->cache, entry, known->text);
        entry->answer = known->answer;
        entry->parsed = known->parsed;
        entry->has_pin = known->has_pin;
        entry->pin = known->pin;
        entry->answered_ms = known->answered_ms;
        entry->user = known->user;
        entry->group = known->group;
        if (entry->answer == RECORDS_FOUND && !entry->parsed && entry->text == NULL)
            entry->answer = RECORDS_FAILED;
    }
    host_unlock(records_lock());
    records_release_text(old);
}

void records_inherit(struct records *records, struct records *from, const char *const *ids, size_t count)
{
    if (!is_same_store(records->settings, from->settings))
        return;
    for (size_t i = 0; i < count; i++)
        inherit_one(records, from, ids[i]);
    host_lock(records_lock());
    records->failed_ms = from->failed_ms;
    records->fault = from->fault;
    memcpy(records->why, from->why, sizeof records->why);
    host_unlock(records_lock());
}
