/* Early data (0-RTT): what leaves before the server has shown anything in this handshake. */
#ifndef TLSGRAFT_EARLY_H
#define TLSGRAFT_EARLY_H

#include "preload/libssl.h"
#include "preload/snapshot.h"

/*
 * Takes away the program's external pre-shared key of TLS 1.3, where a rule is in force that such a key can
 * not fulfil. Where a session is offered too, its certificate would be taken for that of the peer that the
 * early data goes to.
 */
void early_without_external_key(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl);

/*
 * A program is about to write early data, and nothing has left yet. What the policy does not admit is taken
 * away while OpenSSL can still say that there is no session for it; the handshake that follows is a full one.
 */
void early_data_is_near(struct libssl *libssl, SSL *ssl);

#endif
