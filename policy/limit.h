/*
 * The rate limit of events in one process: one of a kind and domain in a minute.
 *
 * Threads: any. The lock is held for a few instructions, and never while anything is written.
 */
#ifndef TLSGRAFT_LIMIT_H
#define TLSGRAFT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "policy/hostio.h"

#define EVENT_LIMIT_SECONDS 60
#define EVENT_LIMIT_ENTRIES 1024 /* (kind, domain) pairs remembered; the one idle for longest makes room */

struct event_limit {
    struct host_lock lock; /* initialised statically */
    struct {
        uint64_t key; /* 0: free */
        time_t since; /* CLOCK_MONOTONIC, seconds */
        unsigned suppressed;
    } entries[EVENT_LIMIT_ENTRIES];
};

#define EVENT_LIMIT_INITIAL                                                                                  \
    {                                                                                                        \
        .lock = HOST_LOCK_INITIAL                                                                            \
    }

/*
 * May an event of this kind and domain (NULL: none) be raised at `now`? If so, `*suppressed` is how many
 * were held back since the last one.
 */
bool event_limit_allows(struct event_limit *limit, unsigned kind, const char *domain, time_t now,
                        unsigned *suppressed);

#endif
