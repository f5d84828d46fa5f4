/*
 * Client certificates, ready to be presented: what the candidates of `upstream_certificates` are, parsed,
 * with their private keys decrypted. A cache in front of the store and of the texts that the policy holds.
 *
 * Nothing is read, parsed or decrypted before it is asked for, and it is asked for only where a server asks
 * for a certificate. A credential is kept as long as the text that it was made from is the one that counts;
 * one whose record has changed, or is gone, is dropped. Each libssl has its own, for two lines of OpenSSL can
 * live in one process.
 *
 * Owner: the policy; freed with it. Threads: any. Its lock is never held while the store is asked, memory is
 * allocated, or OpenSSL runs. The handlers of fork(2) take credentials_lock().
 */
#ifndef TLSGRAFT_CREDENTIALS_H
#define TLSGRAFT_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/hostio.h"
#include "policy/openssl.h"
#include "policy/policy.h"
#include "policy/records.h"

/* Why a candidate has no credential. */
enum credential_fault {
    CREDENTIAL_READY,          /* it has one */
    CREDENTIAL_NO_RECORD,      /* the store answers: there is no such record */
    CREDENTIAL_NO_ANSWER,      /* the store did not answer */
    CREDENTIAL_UNREADABLE,     /* its file could not be read */
    CREDENTIAL_REFUSED,        /* what is there is no record, or not the one of this id */
    CREDENTIAL_NO_CERTIFICATE, /* it is a public key */
    CREDENTIAL_NO_KEY,
    CREDENTIAL_NO_SECRET,
    CREDENTIAL_WRONG_SECRET,
    CREDENTIAL_KEY_BROKEN, /* damaged, or the key of another certificate */
    CREDENTIAL_UNSUPPORTED,
    CREDENTIAL_NO_MEMORY,
};

/* Never changes. Everything in it is its own: OpenSSL takes references where it keeps something. */
struct credential {
    X509 *leaf;
    EVP_PKEY *key;
    X509 *const *chain; /* what is sent behind the leaf: the record's other certificates, without a root that
                         * signed itself */
    size_t chain_count;
    unsigned char fingerprint[32]; /* SHA-256 of the leaf's DER */
    int64_t not_before, not_after; /* of the leaf; seconds of the epoch */
};

enum { CREDENTIAL_WHY_SIZE = 1024 };

struct credentials;

/* For the candidates of one policy, numbered from 0. NULL: memory is short. */
struct credentials *credentials_new(size_t candidate_count);
void credentials_free(struct credentials *credentials); /* NULL is allowed; nothing may be acquired */

/*
 * The credential of a candidate of `policy`. An id: what records_fetch_within() found last; the caller sees
 * to it that it is asked. NULL: there is none, `*fault` and `why` (CREDENTIAL_WHY_SIZE bytes; half a sentence
 * that names the store or the file, never a secret) tell. It lives until credential_release(), also where the
 * record changes meanwhile. Leaves OpenSSL's error queue as it was. What has failed is tried again when the
 * text is another one; for want of memory, or of what OpenSSL lacks, each time. Of a record whose text was
 * not kept (RECORDS_TEXTS_MAX) the store is asked here, each `cache_seconds`, for at most `timeout_ms`.
 */
const struct credential *credential_acquire(const struct policy *policy, const struct ossl *ossl,
                                            const struct candidate *candidate, enum credential_fault *fault,
                                            char *why);
void credential_release(const struct credential *credential); /* NULL is allowed */

struct host_lock *credentials_lock(void);

#endif
