#include "policy/records.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/clock.h"
#include "policy/record.h"
#include "policy/records_cache.h"

/* How many records are asked for in one exchange; bounds what is on the stack. */
enum { AT_ONCE = 64 };

/* What a call of records_fetch_within() is about. */
struct fetch {
    struct records *records;
    const struct ossl *ossl; /* NULL: nothing is parsed */
    struct records_wait *wait;
    int64_t now;     /* milliseconds */
    uint64_t number; /* of the read that goes on */
};

/* The entries that have to be asked for. */
struct asked {
    struct entry *entries[AT_ONCE];
    const char *ids[AT_ONCE];
    size_t count;
};

struct records *records_new(const struct store_settings *settings)
{
    struct records *records = calloc(1, sizeof *records);
    if (records == NULL)
        return NULL;
    records->settings = settings;
    records->failed_ms = NEVER_MS;
    return records;
}

void records_free(struct records *records)
{
    if (records == NULL)
        return;
    cache_free(&records->cache);
    free(records);
}

/* How long an answer counts. */
static int64_t life_of(const struct records *records, const struct entry *entry)
{
    unsigned seconds = records->settings->cache_seconds;
    if (entry->answer != RECORDS_FOUND && seconds > RECORDS_ABSENT_SECONDS)
        seconds = RECORDS_ABSENT_SECONDS;
    return (int64_t)seconds * 1000;
}

/* A time that is far ahead is of a clock that went backwards: then it is none. */
static bool is_within(int64_t since, int64_t now, int64_t length)
{
    return since != NEVER_MS && since - now < 10000 && now - since < length;
}

static bool is_fresh(const struct fetch *fetch, const struct entry *entry)
{
    if (entry->answer == RECORDS_FAILED)
        return false;
    return is_within(entry->answered_ms, fetch->now, life_of(fetch->records, entry)) ||
           entry->number >= fetch->wait->first;
}

/*
 * Is it this process, changed since it was given the answer, that cannot reach the store any more? That a
 * file may not be read says so only where another user could: else it is the store that has changed.
 */
static bool is_barred(const struct entry *entry, enum store_fault fault)
{
    if (fault == STORE_FAULT_DENIED)
        return entry->user != geteuid() || entry->group != getegid();
    return fault == STORE_FAULT_BARRED;
}

/* Does an answer that is not fresh count, while the store does not answer for this reason? */
static void settle(const struct fetch *fetch, struct entry *entry, enum store_fault fault)
{
    const struct records *records = fetch->records;
    int64_t stale_ms = (int64_t)records->settings->stale_seconds * 1000;
    bool answered = entry->answer != RECORDS_FAILED;
    bool fresh = is_fresh(fetch, entry);
    bool stale =
        answered && !fresh && is_within(entry->answered_ms, fetch->now, life_of(records, entry) + stale_ms);
    bool barred = answered && is_barred(entry, fault);
    entry->served = fresh || stale || barred;
    entry->stale = stale && !barred;
}

/* Under the lock. */
static bool is_left_alone(const struct records *records, int64_t now)
{
    return is_within(records->failed_ms, now, RECORDS_BACKOFF_MS);
}

static char *copy_of(const char *why)
{
    return why[0] == '\0' ? NULL : strdup(why);
}

/* The store did not give a record. */
static void note_failure(const struct fetch *fetch, struct entry *entry, enum store_fault fault,
                         const char *why)
{
    char *unused = copy_of(why);
    host_lock(records_lock());
    entry->failed_ms = fetch->now;
    entry->fault = fault;
    settle(fetch, entry, fault);
    /* Why the record was refused is said as long as that counts. */
    if (!entry->served || entry->answer != RECORDS_REFUSED) {
        char *old = entry->why;
        entry->why = unused;
        unused = old;
    }
    host_unlock(records_lock());
    free(unused);
}

/* The store gave an answer. `pin`: of a record that was parsed; NULL: it was not, or is none. */
static void note_answer(const struct fetch *fetch, struct entry *entry, enum records_answer answer,
                        struct kept_text *text, const struct pin *pin, const char *why)
{
    char *copy = copy_of(why);
    host_lock(records_lock());
    if (fetch->number < entry->number) { /* a later read was faster */
        host_unlock(records_lock());
        free(copy);
        return;
    }
    char *old = entry->why;
    struct kept_text *old_text = cache_set_text(&fetch->records->cache, entry, text);
    entry->why = copy;
    entry->answer = answer;
    entry->parsed = pin != NULL;
    entry->answered_ms = fetch->now;
    entry->number = fetch->number;
    entry->user = geteuid();
    entry->group = getegid();
    entry->failed_ms = NEVER_MS;
    entry->served = true;
    entry->stale = false;
    if (pin != NULL && !entry->has_pin) {
        entry->pin = *pin;
        entry->has_pin = true;
    }
    /* There was no room for its text, from which it could be made later. */
    if (answer == RECORDS_FOUND && pin == NULL && entry->text == NULL)
        entry->answer = RECORDS_FAILED;
    host_unlock(records_lock());
    free(old);
    records_release_text(old_text);
}

static bool pin_of_text(const struct ossl *ossl, const char *id, const struct kept_text *text,
                        struct pin *pin, char *why)
{
    size_t length;
    const char *bytes = text_of(text, &length);
    struct record *record = record_parse(ossl, id, bytes, length, why, STORE_WHY_SIZE);
    if (record == NULL)
        return false;
    *pin = *record_pin(record);
    record_free(record);
    return true;
}

/* A text that came from the store. Parsed before anybody sees it, so that what was known stays known. */
static void take_text(const struct fetch *fetch, struct entry *entry, struct store_text *read)
{
    struct pin pin;
    char why[STORE_WHY_SIZE] = "";
    enum records_answer answer = RECORDS_FOUND;
    struct kept_text *text = text_keep(read);
    if (text == NULL) {
        note_failure(fetch, entry, STORE_FAULT_CONTACT, "there is not enough memory to keep it");
        return;
    }
    host_lock(records_lock());
    struct kept_text *known = text_hold(entry->text);
    bool parsed = entry->answer == RECORDS_FOUND && entry->parsed;
    if (parsed)
        pin = entry->pin;
    host_unlock(records_lock());
    parsed = parsed && text_is_same(known, text);
    if (!parsed && fetch->ossl != NULL) {
        parsed = pin_of_text(fetch->ossl, entry->id, text, &pin, why);
        answer = parsed ? RECORDS_FOUND : RECORDS_REFUSED;
    }
    /* Of the same text the one that is held already stays: others hold it as well. */
    struct kept_text *kept = text_is_same(known, text) ? known : text;
    note_answer(fetch, entry, answer, answer == RECORDS_FOUND ? kept : NULL, parsed ? &pin : NULL, why);
    records_release_text(known);
    records_release_text(text);
}

static void take(const struct fetch *fetch, struct entry *entry, enum store_result result,
                 struct store_text *text, const char *why)
{
    if (result == STORE_DONE)
        take_text(fetch, entry, text);
    else if (result == STORE_ABSENT)
        note_answer(fetch, entry, RECORDS_ABSENT, NULL, NULL, "");
    else if (text->fault == STORE_FAULT_RECORD)
        note_answer(fetch, entry, RECORDS_REFUSED, NULL, NULL, why);
    else
        note_failure(fetch, entry, text->fault, why);
}

/* Whether the store as a whole answered, by its answer to what was asked last. */
static void note_contact(const struct fetch *fetch, bool failed, enum store_fault fault, const char *why)
{
    struct records *records = fetch->records;
    host_lock(records_lock());
    records->failed_ms = failed ? fetch->now : NEVER_MS;
    records->fault = fault;
    snprintf(records->why, sizeof records->why, "%s", failed ? why : "");
    host_unlock(records_lock());
}

/* Of a failure: does it tell something of all records? A file that may not be read is one record's. */
static bool concerns_all(const struct records *records, enum store_fault fault)
{
    return fault == STORE_FAULT_CONTACT || fault == STORE_FAULT_BARRED ||
           (fault == STORE_FAULT_DENIED && records->settings->type == STORE_REDIS);
}

static void ask(struct fetch *fetch, const struct asked *asked, unsigned timeout_ms)
{
    enum store_result results[AT_ONCE];
    struct store_text texts[AT_ONCE];
    char why[STORE_WHY_SIZE] = "";
    size_t last = asked->count - 1;
    int64_t began = clock_ms(CLOCK_MONOTONIC);
    store_read(fetch->records->settings, asked->ids, asked->count, timeout_ms, results, texts, why);
    int64_t took = clock_ms(CLOCK_MONOTONIC) - began;
    took = took < 0 ? 0 : took;
    fetch->now += took;
    fetch->wait->spent_ms += (unsigned)took;
    enum store_fault fault = texts[last].fault;
    note_contact(fetch, results[last] == STORE_FAILED && concerns_all(fetch->records, fault), fault, why);
    for (size_t i = 0; i < asked->count; i++)
        take(fetch, asked->entries[i], results[i], &texts[i], why);
}

static void fail_all(const struct fetch *fetch, const struct asked *asked, enum store_fault fault,
                     const char *why)
{
    for (size_t i = 0; i < asked->count; i++)
        note_failure(fetch, asked->entries[i], fault, why);
}

static const char out_of_root[] =
    STORE_OUT_OF_ROOT "; "
                      "'prefetch' in the section 'store' reads records before that";

static void ask_if_possible(struct fetch *fetch, const struct asked *asked)
{
    const struct records *records = fetch->records;
    unsigned timeout_ms = records->settings->timeout_ms;
    if (store_is_out_of_root(records->settings)) {
        note_contact(fetch, true, STORE_FAULT_BARRED, out_of_root);
        fail_all(fetch, asked, STORE_FAULT_BARRED, out_of_root);
    } else if (fetch->wait->spent_ms >= timeout_ms) {
        fail_all(fetch, asked, STORE_FAULT_CONTACT,
                 "it has taken all the time that 'timeout_ms' in the section 'store' gives");
    } else {
        ask(fetch, asked, timeout_ms - fetch->wait->spent_ms);
    }
}

/* Prefetched texts were not parsed; nor were those that another thread has just read for a command. */
static void parse_kept(const struct fetch *fetch, struct entry *entry)
{
    struct pin pin;
    char why[STORE_WHY_SIZE] = "";
    host_lock(records_lock());
    bool needed = entry->answer == RECORDS_FOUND && !entry->parsed;
    struct kept_text *text = needed ? text_hold(entry->text) : NULL;
    host_unlock(records_lock());
    if (text == NULL)
        return;
    bool parsed = pin_of_text(fetch->ossl, entry->id, text, &pin, why);
    char *copy = parsed ? NULL : copy_of(why);
    struct kept_text *dropped = NULL;
    host_lock(records_lock());
    if (entry->text == text && !entry->parsed) {
        char *old = entry->why;
        entry->why = copy;
        copy = old;
        entry->parsed = parsed;
        if (!parsed) {
            entry->answer = RECORDS_REFUSED;
            dropped = cache_set_text(&fetch->records->cache, entry, NULL);
        } else if (!entry->has_pin) {
            entry->pin = pin;
            entry->has_pin = true;
        }
    }
    host_unlock(records_lock());
    free(copy);
    records_release_text(dropped);
    records_release_text(text);
}

/* Under the lock. Settles what needs no contact; true: the entry is to be asked for. */
static bool is_due(const struct fetch *fetch, struct entry *entry)
{
    const struct records *records = fetch->records;
    if (is_fresh(fetch, entry)) {
        entry->served = true;
        entry->stale = false;
        return false;
    }
    bool alone = is_left_alone(records, fetch->now);
    if (!alone && !is_within(entry->failed_ms, fetch->now, RECORDS_BACKOFF_MS))
        return true;
    settle(fetch, entry, alone ? records->fault : entry->fault);
    return false;
}

static bool is_asked(const struct asked *asked, const struct entry *entry)
{
    for (size_t i = 0; i < asked->count; i++) {
        if (asked->entries[i] == entry)
            return true;
    }
    return false;
}

/* At most AT_ONCE ids. */
static void fetch_some(struct fetch *fetch, const char *const *ids, size_t count)
{
    struct entry *entries[AT_ONCE];
    struct asked asked = {.count = 0};
    for (size_t i = 0; i < count; i++)
        entries[i] = cache_make(&fetch->records->cache, ids[i]);
    host_lock(records_lock());
    if (fetch->wait->first == 0)
        fetch->wait->first = reads_begun + 1;
    for (size_t i = 0; i < count; i++) {
        if (entries[i] == NULL || is_asked(&asked, entries[i]) || !is_due(fetch, entries[i]))
            continue;
        asked.entries[asked.count] = entries[i];
        asked.ids[asked.count++] = entries[i]->id;
    }
    if (asked.count > 0)
        fetch->number = ++reads_begun;
    host_unlock(records_lock());
    if (asked.count > 0)
        ask_if_possible(fetch, &asked);
    for (size_t i = 0; fetch->ossl != NULL && i < count; i++) {
        if (entries[i] != NULL)
            parse_kept(fetch, entries[i]);
    }
}

/* Files are read one after the other anyway, and then each has its own words for what failed. */
static void fetch_all(struct fetch *fetch, const char *const *ids, size_t count)
{
    size_t most = fetch->records->settings->type == STORE_DIRECTORY ? 1 : AT_ONCE;
    for (size_t i = 0; i < count; i += most)
        fetch_some(fetch, ids + i, count - i < most ? count - i : most);
}

void records_fetch(struct records *records, const struct ossl *ossl, const char *const *ids, size_t count,
                   time_t now)
{
    struct records_wait wait = {0};
    struct fetch fetch = {records, ossl, &wait, (int64_t)now * 1000, 0};
    fetch_all(&fetch, ids, count);
}

void records_fetch_within(struct records *records, const struct ossl *ossl, const char *const *ids,
                          size_t count, struct records_wait *wait)
{
    struct fetch fetch = {records, ossl, wait, clock_ms(CLOCK_MONOTONIC), 0};
    fetch_all(&fetch, ids, count);
}
