/*
 * The records that a process has read from the store: a cache in front of store_read(), and the pins of keys
 * that are named by an id.
 *
 * Threads: any; its lock is never held while the store is asked, memory is allocated, or OpenSSL runs. It
 * lives as long as the policy that it belongs to, and is freed with it. A process that forks goes on with
 * what was read before: the handlers of fork(2) take records_lock().
 */
#ifndef TLSGRAFT_RECORDS_H
#define TLSGRAFT_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "policy/hostio.h"
#include "policy/openssl.h"
#include "policy/pin.h"
#include "policy/store.h"

enum {
    RECORDS_ABSENT_SECONDS = 5,   /* a negative answer is not asked again; `cache_seconds` if that is less */
    RECORDS_BACKOFF_MS = 1000,    /* after a failed contact the store is left alone */
    RECORDS_TEXTS_MAX = 16 << 20, /* bytes of texts that are kept; what does not fit is read again */
};

struct records;

/* NULL: memory is short. `settings` must outlive it. */
struct records *records_new(const struct store_settings *settings);
void records_free(struct records *records); /* NULL is allowed */

/*
 * Sees to it that the texts of these records are as fresh as `cache_seconds` says, asking the store once for
 * all that are not (for 64 at a time), for at most `timeout_ms` in all; and, unless `ossl` is NULL, that they
 * are parsed. A record that the store does not have is remembered for a short time, one that could not be
 * read is served for `stale_seconds` more; after a failed contact the store is left alone for a second. What
 * was read from a store that this process can no longer reach, because its root directory, its effective user
 * or group, or a filter on its system calls came in between, is served for good; a permission that the store
 * takes away from an unchanged process is a failure as any other. `now`: seconds of CLOCK_MONOTONIC.
 */
void records_fetch(struct records *records, const struct ossl *ossl, const char *const *ids, size_t count,
                   time_t now);

/* What one handshake has to do with the store. Zeroed: it begins with its first records_fetch_within(). */
struct records_wait {
    uint64_t first;    /* the number of its first read; what has this or a later one is fresh, whatever
                        * `cache_seconds` says. 0: it has not begun */
    unsigned spent_ms; /* of `timeout_ms` */
};

/* The same, by the clock, and for at most what is left of `timeout_ms`. */
void records_fetch_within(struct records *records, const struct ossl *ossl, const char *const *ids,
                          size_t count, struct records_wait *wait);

enum records_answer {
    RECORDS_FOUND,
    RECORDS_ABSENT,
    RECORDS_FAILED,  /* the store did not answer, or it was never asked */
    RECORDS_REFUSED, /* what it holds is not the record of this id */
};

/*
 * What was fetched of a record; no input and output. `*pin` (RECORDS_FOUND): an id holds the hash of its
 * content, so its pin never changes; it lives as long as `records`. `why` (NULL: not asked; STORE_WHY_SIZE
 * bytes): for the other answers, a sentence without a final stop, that names the store.
 */
enum records_answer records_pin(struct records *records, const char *id, const struct pin **pin, char *why);

/* Is the record only served because of `stale_seconds`? `why` as above. */
bool records_is_stale(struct records *records, const char *id, char *why);

/*
 * The text of a record that is RECORDS_FOUND, NUL-terminated; NULL: it is not, or is not kept. It lives until
 * records_release_text(), also where the record changes.
 */
struct kept_text;
struct kept_text *records_hold_text(struct records *records, const char *id, const char **text,
                                    size_t *length);
void records_release_text(struct kept_text *held); /* NULL is allowed */

/* Takes over what `from` knows of these records, if both are of one store. `from` stays as it is. */
void records_inherit(struct records *records, struct records *from, const char *const *ids, size_t count);

/* For the handlers of fork(2). */
struct host_lock *records_lock(void);

#endif
