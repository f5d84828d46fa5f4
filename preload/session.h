/*
 * Sessions to be resumed. Resumption runs no verification, so a session is taken back unless what today's
 * rules ask for was established when it was made.
 *
 * A session whose certificate passed only because a pinned key stood in for the program's verification
 * carries a mark: its session id context, which is kept with it wherever the program stores it
 * (SSL_SESSION(3), i2d_SSL_SESSION(3)), and without which OpenSSL resumes it nowhere.
 */
#ifndef TLSGRAFT_SESSION_H
#define TLSGRAFT_SESSION_H

#include "preload/libssl.h"
#include "preload/snapshot.h"

/* Before a ClientHello: takes back the session that the program has set, if it may not be resumed. */
void session_consider(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl);

/* May the session that is offered be resumed? True where there is none, or none with a peer's key. Not
 * `quiet`: what speaks against it is told. */
bool session_is_admitted(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl, bool quiet);

/*
 * The same where a connection is negotiated again (TLS 1.2 and older), and the session is its own: where
 * today's rules ask for more than is known of it the new handshake is a full one.
 */
void session_consider_again(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl);

/* Marks the session that is being made. False: it could not be, and the certificate must not be let pass. */
bool session_mark(const struct libssl *libssl, SSL *ssl);

#endif
