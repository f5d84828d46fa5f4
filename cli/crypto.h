/* OpenSSL for this command: the newest libcrypto that is installed, fetched when it is needed. */
#ifndef TLSGRAFT_CRYPTO_H
#define TLSGRAFT_CRYPTO_H

#include <stdbool.h>

#include "policy/openssl.h"

/*
 * Fills the functions of libcrypto in `table`; those of libssl stay NULL. False: there is no libcrypto of
 * OpenSSL 1.1.1 to 4. The library stays loaded until the process ends.
 */
bool crypto_open(struct ossl *table);

#endif
