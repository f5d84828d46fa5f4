/* Who the peer of a connection is. */
#ifndef TLSGRAFT_PEERNAME_H
#define TLSGRAFT_PEERNAME_H

#include "policy/peer.h"
#include "preload/libssl.h"

/* Finds the names, the address and the port. Leaves OpenSSL's error queue and errno as they were. */
void peer_find(const struct libssl *libssl, const SSL *ssl, struct peer *peer);

/*
 * The same where no rule is for addresses, nor for a port: an address that the program verifies beside names
 * may be left out, for it leads to nothing, and OpenSSL has no cheap way to tell that there is none.
 */
void peer_find_by_names(const struct libssl *libssl, const SSL *ssl, struct peer *peer);

/* Does it have the name that is sent, so that it is known for sure? Far less work than peer_find(). */
bool peer_has_sni(const struct libssl *libssl, const SSL *ssl);

/*
 * Both in two steps. The first finds the name that is sent and the host names that the program verifies, of
 * all else nothing; it allocates nothing and asks neither libc nor the kernel. With `addresses` false the two
 * are peer_find_by_names().
 */
void peer_find_hosts(const struct libssl *libssl, const SSL *ssl, struct peer *peer);
void peer_find_rest(const struct libssl *libssl, const SSL *ssl, bool addresses, struct peer *peer);

/*
 * Before a ClientHello: keeps for peer_find() what only shows now. `ports_matter`: there are rules with a
 * port. `addresses_matter`: there are rules that hold for an address only where it is no proxy's. False:
 * memory is short, and the handshake must not go on. The queue and errno stay as they were.
 */
bool peer_begin(const struct libssl *libssl, SSL *ssl, bool ports_matter, bool addresses_matter);

/* The SSL of a connection ends: takes back what peer_begin() has counted of it. */
#define PEER_BEGUN_MAX 256
struct connection;
void peer_end(struct connection *connection);

#endif
