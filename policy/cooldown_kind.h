/* What a place of cooldowns has to do. Only for cooldown*.c and their tests. */
#ifndef TLSGRAFT_COOLDOWN_KIND_H
#define TLSGRAFT_COOLDOWN_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/cooldown.h"
#include "policy/store.h"

enum { COOLDOWN_FINGERPRINT = 32, COOLDOWN_WHY_SIZE = 1024 };

/* What is asked for. */
struct cooldown {
    enum cooldown_kind kind;
    const unsigned char *fingerprint; /* COOLDOWN_FINGERPRINT bytes */
    unsigned seconds;                 /* more than 0 */
};

enum cooldown_answer {
    COOLDOWN_BEGINS,
    COOLDOWN_RUNS,    /* for `*left_ms` more; 1 ms at least */
    COOLDOWN_UNKNOWN, /* the place cannot be used; `why` tells */
};

/* In the Redis of the store, within `wait`. `why`: STORE_WHY_SIZE bytes. */
enum cooldown_answer cooldown_in_redis(const struct store_settings *store, const struct cooldown *cooldown,
                                       struct records_wait *wait, int64_t *left_ms, char *why);

/*
 * In the directory of the effective user, below `path`, which is made where it is missing. It waits for other
 * processes for at most `timeout_ms`, which is no more than a few. `why`: COOLDOWN_WHY_SIZE bytes.
 */
enum cooldown_answer cooldown_in_directory(const char *path, const struct cooldown *cooldown,
                                           unsigned timeout_ms, int64_t *left_ms, char *why);

/*
 * In the memory of this process: a bounded table, in which the one that ends first makes room. Times are
 * milliseconds of CLOCK_MONOTONIC.
 */
bool cooldown_memory_runs(const struct cooldown *cooldown, int64_t now);
/* Notes that it ends at `end`. False: it runs already, for another thread was faster. */
bool cooldown_memory_begin(const struct cooldown *cooldown, int64_t now, int64_t end);

/* The word for a kind, in the keys of Redis: "check", "CertificateExpired". */
const char *cooldown_name(enum cooldown_kind kind);

#endif
