/* What OpenSSL tells us of a handshake: the entry points for its callbacks. */
#ifndef TLSGRAFT_NOTICE_H
#define TLSGRAFT_NOTICE_H

#include <stdbool.h>

#include "preload/libssl.h"

/* The info callback: start and end of handshakes. Calls the program's own. */
void notice(struct libssl *libssl, const SSL *ssl, int where, int ret);

/* The verify callback of every SSL_CTX; `arg` is its struct libssl. Calls the program's own. */
int verdict(X509_STORE_CTX *store, void *arg);

/* The certificate callback of a client's SSL; `arg` is its struct libssl. Calls the program's own. */
ossl_cert_cb on_certificate;

/* The same of QUIC: `ssl` is the one inside the program's; `arg` is the struct connection of the latter. */
ossl_cert_cb on_quic_certificate;

/* A ClientHello is being built (a private extension that adds nothing, unless the ClientHello is encrypted);
 * `add_arg` is the struct libssl. */
ossl_ext_add_cb on_client_hello;

/*
 * A client's handshake begins: forgets the last one, and takes back a session whose certificate the policy
 * does not admit.
 */
void start_handshake(struct libssl *libssl, SSL *ssl);

/*
 * Must this client handshake not begin, because there is no valid policy? Then the reason is in OpenSSL's
 * queue and in an event.
 */
bool start_is_refused(struct libssl *libssl, SSL *ssl);

/* A client's handshake is done: judges what the verdict did not see, and cuts the connection. */
void done_handshake(struct libssl *libssl, SSL *ssl);

#endif
