/*
 * A policy: what the policy file says, ready to be asked.
 *
 * Owner: whoever called config_load(); policy_free() frees all of it at once. Threads: a policy does not
 * change after config_load() but for one step, policy_resolve(), and is read without a lock.
 */
#ifndef TLSGRAFT_POLICY_H
#define TLSGRAFT_POLICY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/arena.h"
#include "policy/index.h"
#include "policy/pin.h"

/* What a rule, or the policy, does when a check fails. */
enum mode {
    MODE_UNSET, /* of a rule: the policy's */
    MODE_ENFORCE,
    MODE_REPORT,
    MODE_OFF,
};

/* The word for a mode in policy files and events. */
const char *mode_name(enum mode mode);

/* Where something stands: the `FILE:LINE` of errors and events. */
struct source {
    const char *file;
    unsigned line; /* from 1 */
};

enum key_kind {
    KEY_PIN,        /* `pin` holds it */
    KEY_PEM,        /* `pem` holds the text; policy_resolve() makes its pin */
    KEY_UNRESOLVED, /* it could not be read; `why` tells */
};

/* One item of `keys`. */
struct key {
    enum key_kind kind;
    struct pin pin;    /* KEY_PIN */
    size_t pem_number; /* KEY_PEM: from 0, in the whole policy */
    const char *name;  /* as written in the file, or "PEM in place" */
    const char *pem;   /* KEY_PEM: NUL-terminated text; else NULL */
    const char *why;   /* KEY_UNRESOLVED: the reason; else NULL */
};

/* One element of `pinned_public_keys`. Several domains may lead to it. */
struct pin_rule {
    struct source source;
    enum mode mode; /* MODE_UNSET: the policy's */
    struct key *keys;
    size_t key_count; /* 0 only for a rule that is an exception (mode "off") */
};

struct event_sinks {
    const char *file; /* NULL: none */
    bool to_stderr;
};

struct policy {
    struct arena arena; /* holds everything below */
    const char *path;   /* of the policy file */
    enum mode mode;     /* never MODE_UNSET */
    bool report_ungoverned;
    const char *organisation;
    struct rule_index pins; /* of struct pin_rule */
    struct pin_rule **pin_rules;
    size_t pin_rule_count;
    struct event_sinks events;
    size_t pem_count; /* keys of kind KEY_PEM */
    /*
     * Their pins, by pem_number, and one more: NULL until policy_resolve() is done. From malloc(3); published
     * once, so that any number of threads may resolve at the same time without a lock.
     */
    _Atomic(struct pin *) pem_pins;
};

/* Frees a policy and all that belongs to it. NULL is allowed. */
void policy_free(struct policy *policy);

/* The pin of a key; NULL: it could not be read, or the policy is not resolved. */
const struct pin *policy_key_pin(const struct policy *policy, const struct key *key);

/* The mode that counts for a rule: its own, else the policy's. */
enum mode policy_rule_mode(const struct policy *policy, const struct pin_rule *rule);

#endif
