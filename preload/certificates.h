/*
 * The certificates that are set in an SSL: the program's, which are kept while one of ours stands in their
 * place, so that the next connection that the same SSL makes finds them again.
 *
 * Owner: what is kept belongs to the struct connection, and ends with it. Threads: as OpenSSL's own rules
 * are, one at a time for an SSL. OpenSSL's error queue is the caller's to mark, but for
 * certificates_put_back(), which leaves it as it was.
 */
#ifndef TLSGRAFT_CERTIFICATES_H
#define TLSGRAFT_CERTIFICATES_H

#include "policy/credentials.h"
#include "preload/connection.h"

/* Takes the program's certificates out of an SSL, and keeps them; none of ours is in it. False: memory is
 * short, and nothing has changed. */
bool certificates_keep(const struct libssl *libssl, SSL *ssl, struct connection *connection);

/*
 * After certificates_keep(): sets one of ours, in the place of another of ours, with its key and its chain.
 * False: OpenSSL does not take it (its security level forbids it, memory is short), and nothing is set.
 */
bool certificates_set(const struct libssl *libssl, SSL *ssl, const struct credential *credential);

/* After certificates_keep(): this one of ours stays in the SSL. */
void certificates_note_ours(const struct libssl *libssl, struct connection *connection, X509 *leaf);

/*
 * Takes out what certificates_set() has set, and puts back the program's. What the program has set since
 * stays; where it has taken ours out itself nothing is put back. Does nothing where none of the program's are
 * kept.
 */
void certificates_put_back(const struct libssl *libssl, SSL *ssl, struct connection *connection);

/* Is the certificate that would be presented one of ours? */
bool certificates_are_ours(const struct libssl *libssl, const SSL *ssl, const struct connection *connection);

/* The SSL has others, or ends: what is kept is of no use. */
void certificates_drop(const struct libssl *libssl, struct connection *connection);

/* For the copy of an SSL, which has the same certificates. */
struct certificates_kept *certificates_share(struct certificates_kept *kept);

#endif
