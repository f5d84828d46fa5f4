/* What a place of cooldowns has to do. Only for cooldown*.c and their tests. */
#ifndef TLSGRAFT_COOLDOWN_KIND_H
#define TLSGRAFT_COOLDOWN_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/cooldown.h"
#include "policy/state_directory.h"
#include "policy/store.h"

enum { COOLDOWN_FINGERPRINT = 32, COOLDOWN_WHY_SIZE = STATE_DIRECTORY_WHY_SIZE };

enum cooldown_answer {
    COOLDOWN_BEGINS,
    COOLDOWN_RUNS,
    COOLDOWN_UNKNOWN, /* the place cannot be used; `why` tells */
};

/* What a place tells of a cooldown. */
struct cooldown_state {
    int64_t left_ms; /* COOLDOWN_RUNS: for how long; 1 at least */
    uint64_t mark;   /* COOLDOWN_BEGINS: what the place knows it by, to give it back */
};

/* In the Redis of the store, within `wait`. `why`: STORE_WHY_SIZE bytes. */
enum cooldown_answer cooldown_in_redis(const struct store_settings *store, const struct cooldown *cooldown,
                                       struct records_wait *wait, struct cooldown_state *state, char *why);
/* Ends it there, if it is still the one of this mark. */
void cooldown_back_in_redis(const struct store_settings *store, const struct cooldown *cooldown,
                            struct records_wait *wait, uint64_t mark);

/*
 * In the directory of the effective user, below `path`, which is made where it is missing. To begin one
 * it waits for other processes for at most `timeout_ms`, and no more than a few. `why`: COOLDOWN_WHY_SIZE
 * bytes.
 */
enum cooldown_answer cooldown_in_directory(const char *path, const struct cooldown *cooldown,
                                           unsigned timeout_ms, struct cooldown_state *state, char *why);
void cooldown_back_in_directory(const char *path, const struct cooldown *cooldown, unsigned timeout_ms,
                                uint64_t mark); /* as cooldown_back_in_redis() */

/*
 * In the memory of this process: a bounded table, in which the one that ends first makes room. Times are
 * milliseconds of CLOCK_MONOTONIC.
 */
bool cooldown_memory_runs(const struct cooldown *cooldown, int64_t now);
/* Notes that it ends at `end`. False: it runs already, for another thread was faster. */
bool cooldown_memory_begin(const struct cooldown *cooldown, int64_t now, int64_t end);
void cooldown_memory_end(const struct cooldown *cooldown);

/* The word for a kind, in the keys of Redis: "check", "CertificateExpired". */
const char *cooldown_name(enum cooldown_kind kind);

#endif
