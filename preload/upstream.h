/*
 * The client certificate: which one a connection shows, when its server asks. Nothing is fetched, decrypted
 * or allocated for a server that no rule is for, and nothing decrypted for one that does not ask.
 */
#ifndef TLSGRAFT_UPSTREAM_CALLBACK_H
#define TLSGRAFT_UPSTREAM_CALLBACK_H

#include "policy/upstream.h"
#include "preload/connection.h"
#include "preload/snapshot.h"

/* Has the policy any rule for client certificates that counts for this program? */
bool upstream_has_rules(const struct snapshot *snapshot);

/*
 * Before a ClientHello, also where a connection is negotiated again: sees to it that we are asked for the
 * certificate where a rule is in force. False: memory is short, and the handshake must not go on.
 */
bool upstream_begin(const struct snapshot *snapshot, struct libssl *libssl, SSL *ssl);

/* Has our certificate callback called in the place of the program's, of which nothing is changed. */
void upstream_watch(struct libssl *libssl, SSL *ssl, struct connection *connection);

/*
 * OpenSSL returns to the program: where the handshake is done the program's certificates are put back, so
 * that what it does from now on happens to its own.
 */
void upstream_end(const struct libssl *libssl, SSL *ssl, struct connection *connection);

/*
 * While a handshake goes on, after the certificate callback, where connection->certificate_due: is there a
 * certificate that OpenSSL will send? Where there is none nothing more leaves the connection.
 */
void upstream_check_due(struct libssl *libssl, SSL *ssl, struct connection *connection);

/* What is asked of a connection. On the stack of one call. */
struct asking {
    const struct snapshot *snapshot; /* POLICY_LOADED */
    const struct libssl *libssl;
    SSL *ssl;
    struct peer peer;
    enum upstream_answer answer;
    struct upstream_found found; /* no rule: none is enforced or reported */
    enum mode mode;              /* of the rule; MODE_OFF: there is none */
};

/* Looks up the rule for the peer of a connection. */
void upstream_ask(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl,
                  struct asking *asking);

#endif
