/*
 * The servers' certificates that were met again, with what is asked of each in every handshake: its pin, and
 * when it ends. The same certificate is told by its whole signed part, byte for byte (X509_cmp(3)), and so
 * the same key and the same notAfter.
 *
 * Bounded: what finds no place is worked out each time, as is what was never met before. Nothing is ever
 * replaced, so looking something up needs neither a lock nor a count.
 *
 * Owner: the policy; freed with it. Threads: any.
 */
#ifndef TLSGRAFT_LEAVES_H
#define TLSGRAFT_LEAVES_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/openssl.h"
#include "policy/pin.h"

struct policy;
struct leaves;

/* Never changes. */
struct leaf {
    struct pin pin;
    bool has_end;      /* else its notAfter cannot be read */
    int64_t not_after; /* seconds of the epoch */
    const struct ossl *ossl;
    X509 *copy; /* our own, that no ex_data of the host hangs on; of the libcrypto of `ossl` */
};

/* What is known of a certificate; it lives as long as the policy. NULL: nothing is. Leaves OpenSSL's error
 * queue as it was. */
const struct leaf *leaves_find(const struct policy *policy, const struct ossl *ossl, const X509 *certificate);

/*
 * A handshake with the server of this certificate is done, a resumed one too, and the rules do not refuse it.
 * The first call for a policy does nothing: a program that makes one connection gains nothing by it. Leaves
 * OpenSSL's error queue as it was.
 */
void leaves_remember(struct policy *policy, const struct ossl *ossl, const X509 *certificate);

/* NULL is allowed; nothing that was found may be in use. */
void leaves_free(struct leaves *leaves);

#endif
