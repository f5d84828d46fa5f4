/*
 * What a policy says of a peer, and of what the peer shows. No state; thread-safe.
 */
#ifndef TLSGRAFT_JUDGE_H
#define TLSGRAFT_JUDGE_H

#include "policy/peer.h"
#include "policy/policy.h"

/* The rules that apply to one name of a peer. */
struct requirement {
    const struct policy *policy;
    const struct peer_name *name; /* in the peer */
    struct rule_match match;      /* of struct pin_rule, at least one */
    enum mode mode;               /* of the strictest rule; never MODE_UNSET, MODE_OFF: nothing is required */
};

/* Why a check failed: the words of design "events", `reason`. */
enum reason {
    REASON_NONE,
    REASON_MISMATCH,
    REASON_RESUMED,
    REASON_NO_CERTIFICATE,
    REASON_UNRESOLVED,
    REASON_EXPIRED,
    REASON_VERSION,
    REASON_VERIFICATION,
};

const char *reason_name(enum reason reason);

/*
 * The requirements for a peer, one for each of its names that a rule with a check matches. The same rule is
 * not returned twice, unless it asks for the name to be verified. They point into `policy` and `peer`.
 *
 * `section`: that of the program, whose rules come before the global ones; NULL: none. `*matched` (NULL: not
 * asked) tells whether any rule matches a name, also one that asks for nothing; for a guess of the resolver
 * only one that is no exception to the policy's mode.
 */
size_t judge_requirements(const struct policy *policy, const struct section *section, const struct peer *peer,
                          struct requirement requirements[PEER_NAMES_MAX], bool *matched);

/*
 * What is to be done about a peer that no rule for pins matches; ABOUT_ALLOW for any other. Of a peer without
 * a name a rule for client certificates is a rule too, for its address or for everything.
 */
enum about judge_unknown(const struct policy *policy, const struct section *section, const struct peer *peer);

/* Is it `unmatched` that says what is to be done about such a peer? Else it is `unnamed`. */
bool judge_is_unmatched(const struct policy *policy, const struct section *section, const struct peer *peer);

/*
 * The rules that apply to one name of a peer, also where they ask for nothing (the mode is MODE_OFF then).
 * False: there are none. They point into `policy`, `peer` and `name`.
 */
bool judge_name(const struct policy *policy, const struct section *section, const struct peer *peer,
                const struct peer_name *name, struct requirement *requirement);

/* Answers for the certificate that the peer shows, where a rule asks for more than its key. */
struct proof {
    /* Has a chain that we verified a key that `rule` pins? */
    bool (*chain)(void *context, const struct pin_rule *rule);
    /* Do chain and name verify? 0, or OpenSSL's X509_V_ERR_ number. */
    int (*require)(void *context, const struct pin_rule *rule, const struct domain *name);
    void *context;
};

/* What a peer shows. */
struct evidence {
    bool has_key;          /* a certificate, or a raw public key */
    const struct pin *pin; /* of that key; NULL: none, or it could not be made */
    enum tls_version version;
    time_t now;
    const struct proof *proof; /* NULL: nothing more is known, so no chain and no verification holds */
};

struct judgement {
    enum reason reason;          /* REASON_NONE: the peer is admitted */
    enum mode mode;              /* MODE_ENFORCE: it is refused; MODE_REPORT: only reported */
    const struct pin_rule *rule; /* that it fails; the first one if it is admitted */
    int error;                   /* REASON_VERIFICATION: the X509_V_ERR_ number */
    bool loosens;                /* the pinned leaf stands in for the program's verification */
};

/* The error where nothing could be verified: X509_V_ERR_APPLICATION_VERIFICATION. */
#define JUDGE_UNVERIFIED 50

/* Judges what a peer shows. The policy must be resolved (policy/resolve.h). */
void judge(const struct requirement *requirement, const struct evidence *evidence,
           struct judgement *judgement);

/* Calls `visit` for each key of each rule, until it returns true. */
typedef bool key_visit(const struct pin_rule *rule, const struct key *key, void *context);
void requirement_each_key(const struct requirement *requirement, key_visit *visit, void *context);

#endif
