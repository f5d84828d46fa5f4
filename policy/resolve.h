/*
 * The second step of reading a policy: PEM texts become pins. It needs OpenSSL, which must not be called
 * before the host program's first SSL_CTX, so it is apart from config_load().
 */
#ifndef TLSGRAFT_RESOLVE_H
#define TLSGRAFT_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/openssl.h"
#include "policy/policy.h"

/*
 * Makes the pin of every KEY_PEM. True: done; asking again does nothing. False: a text holds no usable key,
 * or memory is short; `why` (of `size` bytes) is `FILE:LINE: keys: what was found; what is allowed`, and the
 * policy must not be used.
 *
 * Threads: any number at once; no lock is held while OpenSSL runs. Leaves its error queue as it was.
 */
bool policy_resolve(struct policy *policy, const struct ossl *ossl, char *why, size_t size);

static inline bool policy_is_resolved(const struct policy *policy)
{
    return atomic_load_explicit(&policy->pem_pins, memory_order_acquire) != NULL;
}

#endif
