/*
 * What is kept for an SSL_CTX and for a connection, in OpenSSL's ex_data, so that it lives and dies with
 * them. Threads: as OpenSSL's own rules are, one at a time for an SSL.
 */
#ifndef TLSGRAFT_CONNECTION_H
#define TLSGRAFT_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/records.h"
#include "preload/libssl.h"
#include "preload/remembered.h"

/* A certificate callback of the program's; all NULL: none. */
struct certificate_callback {
    ossl_cert_cb *function;
    void *arg;
};

/* Of an SSL_CTX: the callbacks that the program set, in whose place ours are. */
struct context {
    ossl_cert_verify_cb *verify; /* NULL: X509_verify_cert */
    void *verify_arg;
    ossl_info_cb *info;                      /* NULL: none */
    struct certificate_callback certificate; /* for the SSLs that are made from now on */
};

struct certificates_kept;

/*
 * SSL_VERIFY_PEER with a bit that means nothing to OpenSSL, so that a mode which the program has set since is
 * told from ours.
 */
#define VERIFY_MODE_OF_REFUSAL (OSSL_VERIFY_PEER | 0x20000000)

/* More than a handshake of one name ever establishes; what does not fit is not remembered. */
#define CONNECTION_FACTS_MAX 4

/* Of an SSL. Made only where there is something to keep. */
struct connection {
    ossl_info_cb *info; /* the program's own for this SSL; NULL: the SSL_CTX's */
    bool judged;        /* in this handshake, by the verdict */
    bool leaf_ends;     /* `judged`: a certificate that the policy keeps, which ends at `leaf_end` */
    int64_t leaf_end;   /* in seconds of the epoch */
    bool refused;       /* in this handshake, at its end */
    bool mode_changed;  /* a refusal set VERIFY_MODE_OF_REFUSAL; `mode` was before */
    int mode;
    bool id_context_changed;  /* SSL_set_session_id_context() was called for a session with our mark */
    bool sends_no_name;       /* SSL_get_servername() may tell that of a session, which is not sent */
    bool talked_before;       /* the server sent something before this handshake's ClientHello */
    uint16_t begun;           /* see peer_end(); 0: it is not counted */
    bool certificate_is_own;  /* `certificate` counts, and not the SSL_CTX's */
    bool certificate_watched; /* on_certificate() is installed */
    bool certificate_ruled;   /* a rule for client certificates is in force, as the start found */
    bool session_considered;  /* a session was compared with the rule at the start of this connection */
    bool certificate_due;     /* see connection_set_due(): the server asked, and without a certificate the
                                 handshake must not go on */
    bool certificate_refused; /* for want of one, and OpenSSL has put an error of its own behind ours */
    bool certificate_done;    /* a handshake is done: who asks now does so after it */
    bool certificate_called;  /* the program's callback has answered, and its client callback has not yet */
    struct records_wait wait; /* for the store, in this handshake */
    unsigned fact_count;
    /* Established in this handshake, which is not done yet: room for CONNECTION_FACTS_MAX. NULL: none is. */
    struct fact *facts;
    BIO *cut;                /* the program's write BIO, which takes nothing more; a reference. NULL: none */
    ossl_bio_cb *cut_before; /* the BIO's callback in whose place ours is */
    struct certificate_callback certificate; /* the program's own for this SSL, see certificate_is_own */
    struct certificates_kept *kept; /* the program's, while ours are in the SSL; NULL: they are not */
    /* Of QUIC, whose certificate callback hears of an inner SSL that knows nothing of this; else NULL. */
    SSL *quic;
    struct libssl *quic_libssl;
};

/* Makes the struct context of an SSL_CTX that is being born. False: memory is short. */
bool context_create(struct libssl *libssl, CRYPTO_EX_DATA *ad);

/* NULL: the SSL_CTX was made before there was a policy, or is not governed. */
struct context *context_of(const struct libssl *libssl, const SSL_CTX *context);
struct context *context_of_ssl(const struct libssl *libssl, const SSL *ssl);

/* The same of an SSL_CTX of any libssl (NULL: none is known), also one that cannot be governed. */
struct context *context_governed(const struct libssl *libssl, const SSL_CTX *context);

/* What its handshake establishes; where memory is short it is forgotten. */
void connection_note_fact(struct connection *connection, const struct fact *fact);
void connection_forget_facts(struct connection *connection);

/* NULL: nothing is kept. */
struct connection *connection_of(const struct libssl *libssl, const SSL *ssl);

/* Makes it where it is missing; NULL: memory is short. */
struct connection *connection_make(const struct libssl *libssl, SSL *ssl);

/*
 * Sets certificate_due. connection_is_any_due(): of any connection; false is sure for those whose callbacks
 * run on this thread, and costs less than to ask for the connection.
 */
void connection_set_due(struct connection *connection, bool is_due);
bool connection_is_any_due(void);

/* What its handshake may still wait; NULL: nothing is kept. */
struct records_wait *connection_wait(const struct libssl *libssl, const SSL *ssl);

/* The info callback that the program has set for an SSL (of this struct connection), or for its SSL_CTX;
 * NULL: none. */
ossl_info_cb *connection_program_info(const struct libssl *libssl, const SSL *ssl,
                                      const struct connection *connection);

/*
 * Lets nothing more out of a connection: its write BIO refuses, and both directions count as closed. The BIO
 * itself stays the program's, and where it is. connection_mend() undoes it; so does the end of the SSL.
 */
void connection_cut(const struct libssl *libssl, SSL *ssl);
void connection_mend(const struct libssl *libssl, struct connection *connection);

/* OpenSSL's notices that one ends or is copied. */
ossl_ex_free context_on_free;
ossl_ex_free connection_on_free;
ossl_ex_dup connection_on_dup;

#endif
