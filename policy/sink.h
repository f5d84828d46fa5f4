/*
 * The sinks that events go to. A new one is one file with one `struct sink`, and one row in event.c.
 *
 * Threads: any. No sink keeps a descriptor or a lock, for its host may fork, close every descriptor, or
 * change its user.
 */
#ifndef TLSGRAFT_SINK_H
#define TLSGRAFT_SINK_H

#include "policy/event.h"
#include "policy/store.h"

enum { SINK_WHY_SIZE = STORE_WHY_SIZE };

/* An event as a sink gets it. All of it is the caller's. */
struct sink_event {
    const struct reporter *reporter;
    const struct event_sinks *sinks;
    const char *line;          /* JSON on one line, which ends with a line break; no NUL behind */
    size_t length;             /* with the line break */
    enum log_level level;      /* of the event */
    struct records_wait *wait; /* of the handshake; NULL: of none */
};

struct sink {
    /* What the policy names of it, for messages; NULL: it does not name this sink. */
    const char *(*target)(const struct event_sinks *sinks);
    /*
     * Writes the event, between hostio_enter() and hostio_leave(). False: it could not, and `why`
     * (SINK_WHY_SIZE bytes) is half a sentence: `WHY; WHAT TO DO`.
     */
    bool (*put)(const struct sink_event *event, char *why);
};

extern const struct sink sink_file;
extern const struct sink sink_stderr;
extern const struct sink sink_syslog;
extern const struct sink sink_redis;

#endif
