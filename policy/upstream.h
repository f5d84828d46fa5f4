/*
 * Which client certificate a server gets: the rule for its name, and the choice among the rule's candidates.
 * No state; thread-safe.
 */
#ifndef TLSGRAFT_UPSTREAM_H
#define TLSGRAFT_UPSTREAM_H

#include "policy/credentials.h"
#include "policy/peer.h"
#include "policy/policy.h"

/* What the names of a peer lead to. */
enum upstream_answer {
    UPSTREAM_NONE,    /* no rule, or one whose mode is off or report: the program does as it would */
    UPSTREAM_RULE,    /* `rule` decides */
    UPSTREAM_GUESSED, /* there is a rule, but only for a name that is guessed and not the only one for its
                       * address, or for an address that is not sure: no certificate is shown */
    UPSTREAM_SEVERAL, /* the names that are known lead to different rules: no certificate is shown */
};

struct upstream_found {
    const struct upstream_rule *rule; /* for UPSTREAM_SEVERAL the first one; UPSTREAM_NONE: one that would
                                       * apply if its mode were not "report"; else NULL */
    const struct peer_name *name;     /* in the peer: that led to it */
};

/*
 * `section`: that of the program, whose rules come before the global ones; NULL: none. A rule with a port
 * applies only where the port is the name's own for sure (peer.h).
 */
enum upstream_answer upstream_find(const struct policy *policy, const struct section *section,
                                   const struct peer *peer, struct upstream_found *found);

/*
 * Is there a rule, and not one whose mode is off, for what is known of a peer without a name: its address, if
 * that is sure, or everything?
 */
bool upstream_has_rule_for_unnamed(const struct policy *policy, const struct section *section,
                                   const struct peer *peer);

/* What a server asks for. All of it is the caller's. */
struct upstream_demand {
    const struct ossl *ossl;
    /* The CA names that it sent; NULL or empty: none, or they are not known */
    const X509_NAME_STACK *names;
    /* Does it accept the key of this one (type, curve, signature algorithms)? NULL: not known, so all */
    bool (*accepts)(void *context, const struct credential *credential);
    void *context;
    time_t now;
};

/* How a candidate fares, in the order of the steps of the choice. */
enum upstream_verdict {
    UPSTREAM_CHOSEN,
    UPSTREAM_UNUSABLE,     /* it has no credential: `fault` and `why` */
    UPSTREAM_OTHER_CA,     /* none of the CA names that the server sent issued it, and another's did */
    UPSTREAM_NOT_ACCEPTED, /* the server does not accept its kind of key */
    UPSTREAM_NOT_VALID,    /* expired, or not valid yet, and another is valid */
    UPSTREAM_ENDS_EARLIER, /* another one expires later, or as late and stands before it */
};

struct upstream_considered {
    const struct candidate *candidate;
    const struct credential *credential; /* NULL: UPSTREAM_UNUSABLE */
    enum upstream_verdict verdict;
    enum credential_fault fault;
    char *why;  /* UPSTREAM_UNUSABLE: malloc(3); NULL: memory was short */
    time_t now; /* of the demand */
    /* UPSTREAM_NOT_ACCEPTED: of an RSA key that is too short for some signatures; else 0 */
    int short_bits;
};

struct upstream_choice {
    struct upstream_considered *items; /* in the order of the rule */
    size_t count;
    const struct upstream_considered *chosen; /* NULL: none is usable */
};

/*
 * Chooses among the candidates of a rule: of those that have a certificate and its key those which one of the
 * CA names issued (the leaf or a certificate of its chain; if none is, or there are no names: all), of these
 * those whose key the server accepts, of these those valid now before others, of these the one that expires
 * last. The records must have been fetched. False: memory is short. Free with upstream_choice_free(), also
 * then. May leave errors in OpenSSL's queue.
 */
bool upstream_choose(const struct policy *policy, const struct upstream_rule *rule,
                     const struct upstream_demand *demand, struct upstream_choice *choice);
void upstream_choice_free(struct upstream_choice *choice);

/* Half a sentence on how a candidate fared, for people: "expired on 2026-01-02, and another one is valid". */
enum { UPSTREAM_WORDS_SIZE = CREDENTIAL_WHY_SIZE + 256 };
void upstream_words(const struct upstream_considered *considered, char words[UPSTREAM_WORDS_SIZE]);

/*
 * The word for it: "no_record", "no_answer", "unreadable", "refused", "no_certificate", "no_key",
 * "no_secret", "wrong_secret", "key_broken", "unsupported", "no_memory", "ca_names", "key_type", "expired",
 * "not_yet_valid", "ends_earlier"; "chosen".
 */
const char *upstream_reason(const struct upstream_considered *considered);

#endif
