/*
 * The making of one credential from its text. Only for credentials.c, which keeps them.
 *
 * No state; thread-safe.
 */
#ifndef TLSGRAFT_CREDENTIAL_H
#define TLSGRAFT_CREDENTIAL_H

#include "policy/credentials.h"

/* What one is made from. All of it is the caller's, and may go afterwards but for `ossl`. */
struct credential_source {
    const struct ossl *ossl;
    const char *id; /* of the record that the text must be; NULL: none */
    const char *text;
    size_t length;
    const struct secret *secret;
};

/* A credential with what it holds. Zeroed: nothing. */
struct credential_made {
    struct credential credential;
    struct record *record; /* its certificates are the credential's; its private key is gone */
    const struct ossl *ossl;
};

/*
 * Makes a credential. Unless it is CREDENTIAL_READY nothing is held, and for CREDENTIAL_REFUSED `why`
 * (CREDENTIAL_WHY_SIZE bytes) is half a sentence on the text; so it is for CREDENTIAL_KEY_BROKEN if there is
 * more to say than that, and else as it was. Leaves OpenSSL's error queue as it was. Every
 * buffer that held the private key is overwritten before it is freed.
 */
enum credential_fault credential_make(const struct credential_source *source, struct credential_made *made,
                                      char *why);
void credential_clear(struct credential_made *made);

/*
 * Why a candidate of `policy` has no credential, into `why` (CREDENTIAL_WHY_SIZE bytes); `detail`: what
 * credential_make() said of it, or "".
 */
void credential_say(const struct policy *policy, const struct candidate *candidate,
                    enum credential_fault fault, const char *detail, char *why);

#endif
