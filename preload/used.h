/* Certificates that a handshake uses, for the expiry monitor. */
#ifndef TLSGRAFT_USED_H
#define TLSGRAFT_USED_H

#include "policy/monitor.h"
#include "preload/libssl.h"
#include "preload/snapshot.h"

/*
 * Has a certificate checked, within what the handshake may still wait. `snapshot`: POLICY_LOADED.
 * `not_after`: when it ends, in seconds of the epoch; NULL: that is to be read from it.
 */
void used_certificate(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl,
                      X509 *certificate, const int64_t *not_after, enum certificate_role role);

#endif
