/* The kind of a public key, in a word: `RSA-2048`, `EC-P-256`, `Ed25519`. */
#ifndef TLSGRAFT_KEY_TYPE_H
#define TLSGRAFT_KEY_TYPE_H

#include "cli/crypto.h"

enum { KEY_TYPE_SIZE = 80 };

/*
 * Never empty: a kind that OpenSSL has no name for is told by its object identifier. Reads the encoding as
 * far as it can, so that the word does not depend on the algorithms that this OpenSSL has switched on. May
 * leave errors in OpenSSL's queue.
 */
void key_type_format(const struct crypto *crypto, const X509_PUBKEY *key, char text[KEY_TYPE_SIZE]);

#endif
