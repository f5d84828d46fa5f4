/* Would the OpenSSL of a program take a client certificate? */
#ifndef TLSGRAFT_SECURITY_LEVEL_H
#define TLSGRAFT_SECURITY_LEVEL_H

#include <stdbool.h>

#include "cli/crypto.h"
#include "policy/credentials.h"

/*
 * A check by the newest libssl, at SECURITY_LEVEL: the level of a program is its own affair, and this is what
 * most of them have. Threads: one.
 */
enum { SECURITY_LEVEL = 2 };
struct security_check {
    struct crypto crypto;
    SSL_CTX *context; /* NULL: nothing can be said */
};

/* `ossl`: of the certificates that will be asked about. Close it always. */
void security_check_open(struct security_check *check, const struct ossl *ossl);
void security_check_close(struct security_check *check);

/*
 * Why it is not taken, leaf or chain, in OpenSSL's words ("ee key too small"), of static duration. NULL: it
 * is, or nothing can be said.
 */
const char *security_check_fault(const struct security_check *check, const struct credential *credential);

/* What is said of it, with the level and that fault; behind "so" or as a sentence. */
#define SECURITY_NOT_TAKEN                                                                                   \
    "a program whose OpenSSL has security level %d (Debian's default) does not take it: %s"

#endif
