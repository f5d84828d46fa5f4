/* Who the peer of a connection is. */
#ifndef TLSGRAFT_PEERNAME_H
#define TLSGRAFT_PEERNAME_H

#include "policy/peer.h"
#include "preload/libssl.h"

/* Finds the names, the address and the port. Leaves OpenSSL's error queue and errno as they were. */
void peer_find(const struct libssl *libssl, const SSL *ssl, struct peer *peer);

/*
 * Before a ClientHello: keeps for peer_find() what only shows now. `ports_matter`: there are rules with a
 * port. `addresses_matter`: there are rules that hold for an address only where it is no proxy's. False:
 * memory is short, and the handshake must not go on. The queue and errno stay as they were.
 */
bool peer_begin(const struct libssl *libssl, SSL *ssl, bool ports_matter, bool addresses_matter);

#endif
