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
    /* Where its pattern has a port: what applies if that is not the connection's own for sure. */
    struct client_led without_port;
    /* Why a program's OpenSSL may not take the chosen one; see security_level.h. NULL: nothing is known */
    const char *not_taken;
    time_t now;
    struct client_led *with_port; /* no port is given: those that would apply at the port of their pattern */
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

/* "expired on 2026-01-02", "is not valid before ...": of the chosen one, where it is not valid now. Else "".
 */
enum { CLIENT_VALIDITY_SIZE = 64 };
void client_validity(const struct client_explained *explained, char text[CLIENT_VALIDITY_SIZE]);

/* How a candidate fared, as upstream_words(), but without its name, which stands beside it. */
void client_reason(const struct upstream_considered *item, char words[UPSTREAM_WORDS_SIZE]);

/* Did the store not answer for a candidate? */
bool client_lacks_store(const struct client_explained *explained);

#endif
