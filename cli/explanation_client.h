/* What a policy says of the certificate that a program shows to one peer. */
#ifndef TLSGRAFT_EXPLANATION_CLIENT_H
#define TLSGRAFT_EXPLANATION_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/upstream.h"

struct client_led {
    const struct upstream_rule *rule;
    struct domain pattern;
};

/* Points into the policy. Owner: who called client_explain(); client_explained_free(). */
struct client_explained {
    const struct policy *policy;
    struct client_led led; /* rule NULL: none applies */
    bool of_section;
    struct upstream_choice choice; /* empty where the mode is off */
    struct client_led *with_port;  /* no port is given: those that would apply at the port of their pattern */
    size_t with_port_count;
};

/*
 * Explains a peer; its records have been read. `ossl` is asked only where a rule applies. False: memory is
 * short. Free it also then.
 */
bool client_explain(struct client_explained *explained, const struct policy *policy,
                    const struct section *section, const struct peer *peer, const struct ossl *ossl,
                    time_t now);
void client_explained_free(struct client_explained *explained);

enum { CLIENT_OUTCOME_SIZE = 1024 };

/* In one sentence, without a full stop: what a server gets that asks for a certificate. A rule applies. */
void client_outcome(const struct client_explained *explained, char text[CLIENT_OUTCOME_SIZE]);

/* Did the store not answer for a candidate? */
bool client_lacks_store(const struct client_explained *explained);

#endif
