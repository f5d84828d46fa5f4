/* What birth.c does for a new SSL_CTX, for those who hear of it in another way than through the hook. */
#ifndef TLSGRAFT_BIRTH_H
#define TLSGRAFT_BIRTH_H

#include <stdbool.h>

#include "preload/libssl.h"

/* libcrypto's notice of a new SSL_CTX; argp is its struct libssl, which must be governed. */
ossl_ex_new birth_of_context;

/* Is this thread in the interposed CRYPTO_new_ex_data, for an SSL_CTX or an SSL? Then the hook does the work.
 */
bool birth_is_seen(void);

/* Raises the event, as far as the policy wants it: `what` is not governed, and `remedy` what to do. */
void birth_raise_ungoverned(const char *what, const char *remedy);

/* The same for a libssl that is not `governed`. NULL: one libssl too many. */
void birth_raise_unsupported(const struct libssl *libssl);

#endif
