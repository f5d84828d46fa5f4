/*
 * Events: what the checks report, as one line of JSON each, and the log.
 *
 * Threads: a reporter may be used by any thread at any time. A sink that fails never fails its caller.
 */
#ifndef TLSGRAFT_EVENT_H
#define TLSGRAFT_EVENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/hostio.h"
#include "policy/judge.h"
#include "policy/limit.h"
#include "policy/pin.h"
#include "policy/policy.h"

enum log_level { LOG_LEVEL_OFF, LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where a process reports to. The owner fills it once, before other threads use it. */
struct reporter {
    enum log_level level;
    const char *log_file;             /* NULL: stderr */
    struct file_identity stderr_file; /* what descriptor 2 was at start; written to only while it still is */
    const char *program;              /* path of the executable; NULL: not known */
    struct event_limit limit;
};

enum event_kind {
    EVENT_CERTIFICATE_EXPIRED,
    EVENT_CERTIFICATE_EXPIRING_SOON,
    EVENT_PIN_MISMATCH,
    EVENT_PIN_UNRESOLVED,
    EVENT_CLIENT_CERTIFICATE_UNAVAILABLE,
    EVENT_PEER_UNMATCHED,
    EVENT_PEER_UNNAMED,
    EVENT_POLICY_REJECTED,
    EVENT_UNGOVERNED,
};

/* The certificate that an event is about. All of it is the caller's. */
struct event_certificate {
    const char *id;    /* SHA-256 of its DER, in lower-case hex */
    const char *name;  /* its CN, else its first DNS name; any bytes; NULL: neither */
    int64_t not_after; /* seconds of the epoch */
    int64_t days;      /* until then, or since then */
    const char *role;  /* "upstream", "server" */
};

/* One event. What is NULL, 0 or empty is left out. All of it is the caller's. */
struct event {
    enum event_kind kind;
    const char *message; /* one line */
    const struct event_certificate *certificate;
    const char *domain;
    uint16_t port;
    const char *peer_address;
    const struct source *rule;
    enum mode mode;
    enum reason reason;
    const struct pin *presented;
    const struct requirement *expected;
    const char *policy_path;
    struct records_wait *wait; /* of the handshake, for a sink that is a network; NULL: none */
};

/*
 * Writes an event to the sinks (NULL: none) and, as a line, to the log. All but the first of one kind and
 * domain within a minute are held back, and counted in the next.
 */
void event_raise(struct reporter *reporter, const struct event_sinks *sinks, const struct event *event);

/* A line of the log, if the reporter's level includes `level`. */
void log_line(const struct reporter *reporter, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "error", "off", "info" or "debug"; LOG_LEVEL_ERROR for NULL and for anything else. */
enum log_level log_level_of(const char *word);

#endif
