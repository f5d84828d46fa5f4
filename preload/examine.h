/* One question to policy/ for one connection, and the report of the answer. */
#ifndef TLSGRAFT_EXAMINE_H
#define TLSGRAFT_EXAMINE_H

#include "policy/judge.h"
#include "preload/libssl.h"

/* In the order of severity. */
enum outcome {
    OUTCOME_NO_RULE, /* nothing is asked of this peer */
    OUTCOME_ADMITTED,
    OUTCOME_REPORTED, /* it would be refused, if the mode were not "report" */
    OUTCOME_REFUSED,  /* the reason is in OpenSSL's queue */
};

/* What a peer showed of its key. Both NULL: nothing, as with a pre-shared key or an anonymous suite. */
struct shown {
    const X509 *certificate;
    const EVP_PKEY *raw_key; /* RFC 7250, 3.2 and later; counts where there is no certificate */
};

/* What the peer showed when the session was made. Belongs to the session. */
struct shown examine_shown_in_session(const struct libssl *libssl, SSL_SESSION *session);

/* Is the policy such that peers are examined at all? */
bool examine_is_needed(void);

/*
 * Examines what the peer of a connection showed, raises the events, and puts
 * the words of a refusal into OpenSSL's queue. `mismatch` is the reason to give for a key that is not
 * pinned. The policy must be resolved.
 */
enum outcome examine_peer(const struct libssl *libssl, const SSL *ssl, struct shown shown,
                          enum reason mismatch);

/* The line of the log for a connection without a rule; at the end of its handshake. */
void examine_log_no_rule(const struct libssl *libssl, const SSL *ssl);

/*
 * Would it be refused? Says nothing to anybody. Also true where a rule applies and nothing was shown.
 */
bool examine_would_refuse(const struct libssl *libssl, const SSL *ssl, struct shown shown);

#endif
