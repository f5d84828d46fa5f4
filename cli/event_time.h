/* Points in time: of events, and those that a user names. No state; the time zone is not asked. */
#ifndef TLSGRAFT_EVENT_TIME_H
#define TLSGRAFT_EVENT_TIME_H

#include <stdbool.h>
#include <time.h>

/* What event_time_since() takes, for an error. */
#define EVENT_TIME_ALLOWED                                                                                   \
    "allowed is a time as 2026-11-22T10:00:00Z, a day as 2026-11-22, or how long ago: 30s, 15m, 2h, 7d"

/* Reads an RFC 3339 time: `2026-11-22T10:00:00Z`, with an offset or a fraction of a second too. */
bool event_time_read(const char *text, struct timespec *time);

/*
 * Reads what a user names: an RFC 3339 time, a day (its 00:00 UTC), or a number of seconds, minutes, hours or
 * days (`30s`, `15m`, `2h`, `7d`) before `now`.
 */
bool event_time_since(const char *text, time_t now, struct timespec *time);

/* Is `a` before `b`? */
bool event_time_before(const struct timespec *a, const struct timespec *b);

#endif
