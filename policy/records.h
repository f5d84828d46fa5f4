/*
 * The records that a process has read from the store: a cache in front of store_read(), and the pins of keys
 * that are named by an id.
 *
 * Threads: any; its lock is never held while the store is asked, or OpenSSL runs. It lives as long as the
 * policy that it belongs to, and is freed with it.
 */
#ifndef TLSGRAFT_RECORDS_H
#define TLSGRAFT_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "policy/openssl.h"
#include "policy/pin.h"
#include "policy/store.h"

struct records;

/* NULL: memory is short. `settings` must outlive it. */
struct records *records_new(const struct store_settings *settings);
void records_free(struct records *records);

/*
 * Sees to it that the texts of these records are as fresh as `cache_seconds` says, asking the store once for
 * all that are not, for at most `timeout_ms` in all; and, unless `ossl` is NULL, that they are parsed. A
 * record that the store does not have is remembered for a short time, one that could not be read is served
 * for `stale_seconds` more; after a failed contact the store is left alone for a second. `now`: seconds of
 * CLOCK_MONOTONIC.
 */
void records_fetch(struct records *records, const struct ossl *ossl, const char *const *ids, size_t count,
                   time_t now);

enum records_answer {
    RECORDS_FOUND,
    RECORDS_ABSENT,
    RECORDS_FAILED,  /* the store did not answer, or it was never asked */
    RECORDS_REFUSED, /* what it holds is not the record of this id */
};

/*
 * What was fetched of a record; no input and output. `*pin` (RECORDS_FOUND): an id holds the hash of its
 * content, so its pin never changes; it lives as long as `records`. `why` (NULL: not asked; STORE_WHY_SIZE
 * bytes): for the other answers.
 */
enum records_answer records_pin(struct records *records, const char *id, const struct pin **pin, char *why);

#endif
