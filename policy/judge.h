/*
 * What a policy says of a peer and of the key that it shows. No state; thread-safe.
 */
#ifndef TLSGRAFT_JUDGE_H
#define TLSGRAFT_JUDGE_H

#include "policy/peer.h"
#include "policy/policy.h"

/* The rules that apply to one name of a peer. */
struct requirement {
    const struct policy *policy;
    const struct domain *name; /* in the peer */
    struct rule_match match;   /* of struct pin_rule, at least one */
    enum mode mode;            /* of the strictest rule; never MODE_UNSET, MODE_OFF: nothing is required */
};

/* Why a check failed: the words of design "events", `reason`. */
enum reason {
    REASON_NONE,
    REASON_MISMATCH,
    REASON_RESUMED,
    REASON_NO_CERTIFICATE,
    REASON_UNRESOLVED,
};

const char *reason_name(enum reason reason);

/*
 * The requirements for a peer, one for each of its names that a rule with a check matches; 0: none. The
 * same rule is not returned twice. They point into `policy` and `peer`.
 */
size_t judge_requirements(const struct policy *policy, const struct peer *peer,
                          struct requirement requirements[PEER_NAMES_MAX]);

/*
 * Does the key admit? `pin` NULL: the peer showed no certificate. REASON_NONE: it does.
 * The policy must be resolved (policy/resolve.h).
 */
enum reason judge_pin(const struct requirement *requirement, const struct pin *pin);

/* Calls `visit` for each key of each rule, until it returns true. */
typedef bool key_visit(const struct pin_rule *rule, const struct key *key, void *context);
void requirement_each_key(const struct requirement *requirement, key_visit *visit, void *context);

/* The rule that words and events name. */
const struct pin_rule *requirement_rule(const struct requirement *requirement);

#endif
