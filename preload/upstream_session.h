/*
 * Sessions, and the client certificate that they were made with. A client's session remembers nothing of it,
 * so it carries a mark: its ticket application data, which only servers use, and which is kept with it
 * wherever the program stores it (SSL_SESSION_set1_ticket_appdata(3), i2d_SSL_SESSION(3)).
 */
#ifndef TLSGRAFT_UPSTREAM_SESSION_H
#define TLSGRAFT_UPSTREAM_SESSION_H

#include "preload/upstream.h"

/* A letter and all of a SHA-256 but its last byte: as large as marks of earlier builds, which are known so.
 */
#define BASIS_SIZE 32

/* What was shown when a session was made under a rule. */
enum shown {
    SHOWN_NOT_ASKED = 'n', /* nothing: the server did not ask */
    SHOWN_OURS = 'a',      /* a certificate of the rule */
    SHOWN_PROGRAMS = 'p',  /* what the program has, or none */
};

/*
 * What a choice is made from, but for what the server says: another basis may lead to another certificate.
 * `choice` NULL: no candidate comes into question. `leaf`: the program's own certificate, if that is what is
 * shown; NULL: none. False: memory is short.
 */
bool upstream_basis(const struct libssl *libssl, const struct upstream_choice *choice, bool keeps,
                    const X509 *leaf, unsigned char basis[BASIS_SIZE]);

/* Marks the session of an SSL; one that has other application data stays without a mark. */
void upstream_mark(const struct libssl *libssl, SSL *ssl, enum shown shown,
                   const unsigned char basis[BASIS_SIZE]);

/* The session of an SSL may stand for another certificate than its mark says, which then equals nothing. */
void upstream_unmark(const struct libssl *libssl, SSL *ssl);

/* Was the session of an SSL marked? */
bool upstream_is_marked(const struct libssl *libssl, const SSL *ssl);

/* At the verdict, when nobody knows whether the server will ask. */
void upstream_mark_not_asked(const struct libssl *libssl, SSL *ssl);

/* May the session of an SSL be resumed? True where there is none. Waits for the store within the handshake's
 * time. */
bool upstream_session_is_admitted(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl);

#endif
