/*
 * The state of this process: what was seen at its start, and its policy.
 *
 * Threads: any. The snapshot is read without a lock.
 */
#ifndef TLSGRAFT_PROCESS_H
#define TLSGRAFT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/event.h"
#include "policy/openssl.h"
#include "policy/policy.h"

enum policy_state {
    POLICY_NONE,   /* no file at the default path, none named: nothing is changed */
    POLICY_BROKEN, /* it could not be read: every client handshake is refused */
    POLICY_LOADED,
};

#define PROCESS_WHY_SIZE 1024

/* Published once and for the life of the process. */
struct snapshot {
    enum policy_state state;
    struct policy *policy;      /* POLICY_LOADED; else NULL */
    char why[PROCESS_WHY_SIZE]; /* POLICY_BROKEN: the first error */
};

/* The process's policy; reads it at the first call, and then never fails or waits. Never NULL. */
const struct snapshot *process_policy(void);

/*
 * May a client handshake begin? The policy is there, and its pins are resolved (with `ossl`, where that was
 * not done yet). False: `why` tells, of PROCESS_WHY_SIZE bytes. POLICY_NONE may.
 */
bool process_is_ready(const struct ossl *ossl, char why[PROCESS_WHY_SIZE]);

/* Raises an event to the policy's sinks, as far as there is a policy. */
void process_raise(struct event *event);

/* The process's reporter, for log_line(). */
const struct reporter *process_reporter(void);

/*
 * One lock for what is set up once (the policy, a libssl's table, the registry of objects). Held for our own
 * work only, never while code of the host runs; sane in the child of a fork(2).
 */
void process_lock(void);
void process_unlock(void);

#endif
