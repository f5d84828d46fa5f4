/*
 * What records.c keeps: an entry for each record that was asked for, and the texts. Only for records*.c.
 *
 * Threads: the fields of an entry are read and written under records_lock(); entries stay where they are, and
 * live as long as the cache. A text that is held does not change.
 */
#ifndef TLSGRAFT_RECORDS_CACHE_H
#define TLSGRAFT_RECORDS_CACHE_H

#include "policy/records.h"

struct entry {
    struct entry *next;         /* of the same bucket */
    enum records_answer answer; /* the store's last; RECORDS_FAILED: it never gave one */
    bool parsed;                /* RECORDS_FOUND: `pin` is made */
    bool served;                /* the last fetch left it so: `answer` counts */
    bool stale;                 /* and only because of `stale_seconds` */
    int64_t answered_ms;        /* when the answer came */
    uint64_t number;            /* of the read that gave it, in the process; from 1 */
    uid_t user;                 /* who this process was when it came: effective */
    gid_t group;
    int64_t failed_ms;      /* the last contact that failed for it; NEVER_MS: it did not, since then */
    enum store_fault fault; /* of that one */
    bool has_pin;
    struct pin pin; /* written once */
    struct kept_text *text;
    char *why; /* RECORDS_REFUSED, or the last failure; malloc(3). NULL: memory was short, or none */
    char id[];
};

#define NEVER_MS INT64_MIN /* a time that was not */

enum { CACHE_BUCKETS = 256 };

struct cache {
    struct entry *buckets[CACHE_BUCKETS];
    size_t text_bytes; /* of all texts that its entries have */
};

struct records {
    const struct store_settings *settings;
    struct cache cache;
    /* Of the last contact; under the lock. */
    int64_t failed_ms;        /* NEVER_MS: it did not fail */
    enum store_fault fault;   /* if it did */
    char why[STORE_WHY_SIZE]; /* empty: it did not fail */
};

/* Under the lock. Counts the reads of this process: times are too coarse to tell whose answer one is. */
extern uint64_t reads_begun;

/* Under the lock. NULL: there is none. */
struct entry *cache_find(const struct cache *cache, const char *id);

/* Without the lock. Makes it where it is missing; NULL: memory is short. */
struct entry *cache_make(struct cache *cache, const char *id);

void cache_free(struct cache *cache);

/* Takes the bytes over, from malloc(3), also where it fails. NULL: memory is short. */
struct kept_text *text_keep(struct store_text *bytes);
bool text_is_same(const struct kept_text *a, const struct kept_text *b); /* both may be NULL */
const char *text_of(const struct kept_text *text, size_t *length);

/* Under the lock; NULL is allowed, and stays. */
struct kept_text *text_hold(struct kept_text *text);

/* Under the lock. Gives an entry a text (NULL: none), if that fits into the bound. Takes a reference of its
 * own; the old text is returned, for records_release_text() without the lock. */
struct kept_text *cache_set_text(struct cache *cache, struct entry *entry, struct kept_text *text);

#endif
