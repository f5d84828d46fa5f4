/* The records of the store that the rules of a policy name. */
#ifndef TLSGRAFT_IDS_H
#define TLSGRAFT_IDS_H

#include <stdbool.h>

#include "policy/openssl.h"
#include "policy/policy.h"

/*
 * Reads all of them, the store being asked for all at once. `say` is told of each key that cannot be resolved
 * (`FILE:LINE: keys: ...`), and of the first one only where the reason is that the store does not answer.
 * The policy names records.
 */
void ids_resolve(const struct policy *policy, const struct ossl *ossl,
                 void (*say)(void *context, bool store_failed, const char *text), void *context);

/*
 * Why a key of a policy has no pin, after that; a half sentence in `why` (STORE_WHY_SIZE bytes), or of static
 * duration, or the policy's.
 */
const char *ids_key_fault(const struct policy *policy, const struct key *key, char *why);

#endif
