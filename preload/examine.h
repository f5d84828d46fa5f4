/* One question to policy/ for one connection, and the report of the answer. */
#ifndef TLSGRAFT_EXAMINE_H
#define TLSGRAFT_EXAMINE_H

#include "policy/judge.h"
#include "preload/libssl.h"
#include "preload/snapshot.h"

/* What a connection shows, at one moment of its handshake. All of it is the caller's. */
struct showing {
    const struct snapshot *snapshot; /* POLICY_LOADED, and resolved */
    const struct libssl *libssl;
    SSL *ssl;
    X509 *leaf;        /* NULL: none */
    EVP_PKEY *raw_key; /* RFC 7250, 3.2 and later; counts where there is no certificate. NULL: none */
    X509_STACK *sent;  /* what came with it; NULL: nothing */
    int version;       /* see SSL_version(3) */
    bool resumed;      /* nothing is verified now: only what an earlier handshake established counts */
    bool done;         /* the server has proved its key: what is established is remembered */
    bool quiet;        /* no events, no words, no line in the log */
};

/* In the order of severity. */
enum outcome {
    OUTCOME_NO_RULE, /* nothing is asked of this peer */
    OUTCOME_ADMITTED,
    OUTCOME_REPORTED, /* it would be refused, if the mode were not "report" */
    OUTCOME_REFUSED,  /* the reason is in OpenSSL's queue */
};

struct examined {
    enum outcome outcome;
    int error; /* OUTCOME_REFUSED: the X509_V_ERR_ number for the program */
    const struct leaf
        *known;   /* what the policy keeps of the certificate, as long as it lives; NULL: nothing */
    bool loosens; /* OUTCOME_ADMITTED: the certificate stands, whatever the program's verification says */
};

/* Is the policy such that peers are examined at all? */
bool examine_is_needed(const struct snapshot *snapshot);

/* Examines a peer, raises the events, and puts the words of a refusal into OpenSSL's queue. */
void examine_peer(const struct showing *showing, struct examined *examined);

/* What is to be done about a peer that no rule matches; ABOUT_ALLOW for any other. */
enum about examine_unknown(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl);

#endif
