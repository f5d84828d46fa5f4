/* The records that rules name: read from the store before they are asked for their pins. */
#ifndef TLSGRAFT_FETCH_H
#define TLSGRAFT_FETCH_H

#include "preload/examine.h"

/*
 * In a handshake, before a judgement: the records that these requirements name, for at most what is left of
 * the time that one handshake may wait for the store. Without ids it does nothing.
 */
void fetch_records(const struct showing *showing, const struct requirement *requirements, size_t count);

/*
 * The records that the candidates of a rule name: where a server asks for a client certificate. `wait` is the
 * handshake's.
 */
void fetch_candidates(const struct policy *policy, const struct libssl *libssl,
                      const struct upstream_rule *rule, struct records_wait *wait);

/*
 * When a policy was read: takes over what is known of its records from the one before (NULL: there is none),
 * and reads the texts of those that rules for this program name, if `prefetch` says so. No OpenSSL: it may be
 * before main.
 */
void fetch_ahead(const struct snapshot *snapshot, const struct snapshot *before);

#endif
