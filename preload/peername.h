/* Who the peer of a connection is. */
#ifndef TLSGRAFT_PEERNAME_H
#define TLSGRAFT_PEERNAME_H

#include "policy/peer.h"
#include "preload/libssl.h"

/* Finds the names, the address and the port. Leaves OpenSSL's error queue and errno as they were. */
void peer_find(const struct libssl *libssl, const SSL *ssl, struct peer *peer);

#endif
