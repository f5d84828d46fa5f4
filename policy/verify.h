/*
 * Verification of a server's certificate by us, apart from what the program does: with trust anchors of the
 * policy, or with the pinned certificates themselves as anchors.
 *
 * Threads: any number at once; no lock is held. Leaves OpenSSL's error queue as it was.
 */
#ifndef TLSGRAFT_VERIFY_H
#define TLSGRAFT_VERIFY_H

#include <stdbool.h>

#include "policy/openssl.h"
#include "policy/policy.h"

/* What a server sent. All of it is the caller's. */
struct shown {
    const struct ossl *ossl;
    X509 *leaf;
    X509_STACK *sent;   /* it proves nothing by itself. NULL: none */
    int security_level; /* of the connection; see SSL_CTX_set_security_level(3) */
};

/*
 * Does the leaf verify up to a certificate whose key `rule` pins? Tried are those of the sent certificates,
 * and of the rule's own certificates (PEM or records), whose keys are pinned, as the only anchors; then the
 * rule's anchors, if the chain to them has a pinned key in it.
 */
bool verify_has_pinned_chain(const struct shown *shown, const struct policy *policy,
                             const struct pin_rule *rule);

/*
 * Verifies the chain up to the rule's anchors, for a TLS server, and the name (DOMAIN_ALL: none is known,
 * which fails). 0, or the X509_V_ERR_ number (see X509_STORE_CTX_get_error(3)).
 */
int verify_chain_and_name(const struct shown *shown, const struct pin_rule *rule, const struct domain *name);

/* Is the certificate made out to a name or an address? `flags`: see X509_check_host(3). */
bool verify_name(const struct ossl *ossl, X509 *leaf, const struct domain *name, unsigned flags);

/* Frees what was kept for a rule's anchors. For policy_free(). */
void verify_forget(struct anchors *anchors);

#endif
