/*
 * Where events come from. A source yields the JSON text of one event after the other, and knows nothing of
 * what is in it.
 */
#ifndef TLSGRAFT_EVENT_SOURCE_H
#define TLSGRAFT_EVENT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

/* The text of one event, as it was found: it may be no JSON at all. */
struct event_text {
    const char *json; /* of the source, until its next call; not NUL-terminated */
    size_t length;
    unsigned long long line; /* where it stands, from 1 */
};

enum event_next {
    EVENT_NEXT_TEXT,
    EVENT_NEXT_NONE,   /* all that there is has been told; of a source that follows: until now */
    EVENT_NEXT_FAILED, /* the user has been told */
};

/* Made by the opener of its kind. Threads: one. */
struct event_source {
    const char *name; /* for messages; of whoever opened it */
    /* Never waits for an event to come. */
    enum event_next (*next)(struct event_source *source, struct event_text *text);
    void (*close)(struct event_source *source);
    /* Of a source that follows, until the next call of next(): readable once there may be more; else -1 */
    int descriptor;
    int wait_ms; /* and after this time it is to be asked again anyway; -1: never */
    void *state; /* of the source */
};

/*
 * The file sink `path`, which must outlive the source. A file that is not there (yet) is not an error: it
 * holds no events, and the user is told. False: it cannot be read, or not be followed, and the user has been
 * told; there is nothing to close.
 */
bool event_file_open(struct event_source *source, const char *path, bool follow);

/*
 * The stream of Redis that `sinks` names, which must outlive the source. A stream that is not there (yet) is
 * not an error, as above; that Redis cannot be reached is told by next(). False: memory is short.
 */
bool event_redis_open(struct event_source *source, const struct event_sinks *sinks, bool follow);

#endif
