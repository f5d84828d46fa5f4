/* What a policy says of one peer: the rules that apply, those that they hide, and what comes of it. */
#ifndef TLSGRAFT_EXPLANATION_H
#define TLSGRAFT_EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "cli/explanation_client.h"
#include "policy/judge.h"

/* A rule, and the pattern that leads to it. */
struct led_rule {
    const struct pin_rule *rule;
    struct domain pattern;
};

struct rule_list {
    struct led_rule *items;
    size_t count;
};

/*
 * Points into the policy and into itself, so it must not be moved. Owner: who called explanation_make();
 * explanation_free() frees the lists.
 */
struct explanation {
    const struct policy *policy;
    const struct section *section; /* of the program; NULL: none */
    struct peer peer;
    time_t now;
    bool has_rule;
    bool of_section; /* the rules that apply are the section's */
    /* For has_rule. Where match.any_port is set several rules may apply. */
    struct requirement requirement;
    struct rule_list rules;  /* that apply; none twice; first the one that a server with another key fails */
    struct rule_list hidden; /* less specific ones, which match too; the first is the one that would apply */
    struct rule_list
        with_port; /* where no port is given: those that would apply at the port of their pattern */
    const struct pin_rule *elsewhere; /* a port is given, and only rules for others match: one; else NULL */
    struct client_explained client;
};

/*
 * Explains a peer, `host` (a name, an address or DOMAIN_ALL, with its port or 0), for a program of `section`.
 * `ossl` is asked of client certificates alone. False: memory is short. Free it with explanation_free(), also
 * then.
 */
bool explanation_make(struct explanation *explanation, const struct policy *policy,
                      const struct section *section, const struct domain *host, const struct ossl *ossl,
                      time_t now);

void explanation_free(struct explanation *explanation);

/* Is a day in `expires` of the rule, and has it come? */
bool explanation_is_past(const struct explanation *explanation, const struct pin_rule *rule);

/*
 * What is done about a peer without a rule: `named`, as one that the program calls by this name or has
 * verified as this address; else as one of which the address alone is known, or nothing.
 */
enum about explanation_about(const struct explanation *explanation, bool named);

/*
 * Is there a rule for client certificates that counts as a rule where the address alone is known, or nothing,
 * so that `unnamed` does not speak?
 */
bool explanation_counts_client(const struct explanation *explanation);

/* The rule that a server fails which shows none of the keys; the first one where it fails none. */
const struct pin_rule *explanation_decider(const struct explanation *explanation);

enum { OUTCOME_SIZE = 1024 };

/* In one sentence, without a full stop: what a handshake with such a peer leads to. */
void explanation_outcome(const struct explanation *explanation, char text[OUTCOME_SIZE]);

#endif
