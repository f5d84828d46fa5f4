/*
 * The policy in force: one immutable snapshot, exchanged when the policy's files change.
 *
 * Threads: any. A snapshot is acquired and released without a lock, and lives at least until it is released.
 */
#ifndef TLSGRAFT_SNAPSHOT_H
#define TLSGRAFT_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/event.h"
#include "policy/openssl.h"
#include "policy/policy.h"

enum policy_state {
    POLICY_NONE,   /* no file at the default path, none named: nothing is changed */
    POLICY_BROKEN, /* it could not be read: every client handshake is refused */
    POLICY_LOADED,
};

#define SNAPSHOT_WHY_SIZE 1024

struct snapshot {
    enum policy_state state;
    uint64_t number;               /* of this text; a new one at each change */
    struct policy *policy;         /* POLICY_LOADED; else NULL */
    const struct section *section; /* of this program; NULL: none */
    char why[SNAPSHOT_WHY_SIZE];   /* POLICY_BROKEN: the first error */
};

/*
 * The policy in force; the first call reads it, and later ones never wait. Never NULL. Every acquired one is
 * released, on the same thread, before code of the host runs.
 */
const struct snapshot *snapshot_acquire(void);
void snapshot_release(void);

/* Is there no policy, for the life of this process? */
bool snapshot_is_none(void);

/*
 * At the start of a handshake: reads the policy again if its files have changed, and if the last look is a
 * second ago. A text that is not valid leaves the old one in force, and raises PolicyRejected.
 */
void snapshot_look(const struct ossl *ossl);

/*
 * May a client handshake begin? The policy is there, and its pins are resolved (with `ossl`, where that was
 * not done yet). False: `why` tells. POLICY_NONE may.
 */
bool snapshot_is_ready(const struct snapshot *snapshot, const struct ossl *ossl, char why[SNAPSHOT_WHY_SIZE]);

/* Is there a policy, and are its pins resolved? So that peers can be examined by it. */
bool snapshot_is_in_force(const struct snapshot *snapshot, const struct ossl *ossl);

/* Raises an event to the sinks of a snapshot (NULL: to the log alone). */
void snapshot_raise(const struct snapshot *snapshot, struct event *event);

/* In the child of a fork(2): no other thread holds anything. */
void snapshot_after_fork(void);

#endif
