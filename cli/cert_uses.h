/* The rules of a policy that refer to a record of the certificate store. */
#ifndef TLSGRAFT_CERT_USES_H
#define TLSGRAFT_CERT_USES_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/domain.h"
#include "policy/policy.h"

/* What a rule has a record for. */
enum cert_role {
    CERT_PIN,
    CERT_UPSTREAM, /* as a client certificate */
};

/* One domain of one rule. Points into the policy. */
struct cert_use {
    const struct section *section; /* NULL: global */
    const struct source *source;
    enum cert_role role;
    size_t rule; /* its number among the policy's rules of the role, which is the order of the file */
    struct domain domain;
};

/* Of the caller; the items are malloc(3)'s. */
struct cert_uses {
    struct cert_use *items; /* by role, in the order of the policy, and by domain */
    size_t count;
    bool failed; /* memory is short: there may be more */
};

/* The rules that name the record `id`, those that are switched off too. Free with cert_uses_free(). */
void cert_uses_find(const struct policy *policy, const char *id, struct cert_uses *uses);
void cert_uses_free(struct cert_uses *uses);

/* The word for a role: "pin", "upstream". */
const char *cert_role_name(enum cert_role role);

#endif
