/*
 * Events: what the checks report, as one line of JSON each.
 *
 * Threads: a reporter may be used by any thread at any time. A sink that fails never fails its caller.
 */
#ifndef TLSGRAFT_EVENT_H
#define TLSGRAFT_EVENT_H

#include <stdint.h>

#include "policy/judge.h"
#include "policy/log.h"
#include "policy/pin.h"
#include "policy/policy.h"

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
 * Writes an event to the sinks, and, as a line, to the log. If the policy names none (NULL: there is no
 * policy), or none of them takes it, the event goes to syslog. All but the first of one kind and domain
 * within a minute are held back, and counted in the next; those of the expiry monitor, which has cooldowns of
 * its own, are not.
 *
 * False: it was held back, or nothing took it, though the policy names a sink; that is said, as an error,
 * once in a minute. A line of the log does not count.
 */
bool event_raise(struct reporter *reporter, const struct event_sinks *sinks, const struct event *event);

#endif
