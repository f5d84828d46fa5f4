/* Which kinds of key a server accepts in a client's certificate. */
#ifndef TLSGRAFT_ACCEPTS_H
#define TLSGRAFT_ACCEPTS_H

#include "preload/libssl.h"

/*
 * Inside the certificate callback: may the key of this certificate sign for this server? By the signature
 * algorithms that both sides support (RFC 8446, 4.2.3; RFC 5246, 7.4.4), before TLS 1.2 by the types of
 * certificates that the server asks for (RFC 4346, 7.4.4). True where that is not known.
 */
bool accepts_key(const struct libssl *libssl, SSL *ssl, const X509 *leaf, const EVP_PKEY *key);

#endif
