/*
 * When a certificate expires, and the words for it. No state; thread-safe.
 */
#ifndef TLSGRAFT_EXPIRY_H
#define TLSGRAFT_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/openssl.h"

enum expiry {
    EXPIRY_FAR,
    EXPIRY_SOON,    /* 0 < left <= threshold */
    EXPIRY_EXPIRED, /* left <= 0 */
};

/* `left`: notAfter less now, in seconds; any value. `threshold_days` 0: never EXPIRY_SOON. */
enum expiry expiry_of(int64_t left, unsigned threshold_days);

/* Whole days until then, or since then. */
int64_t expiry_days(int64_t left);

/*
 * "Certificate NAME is expiring in 1 days and 1 hours", or "is expired since". `name` NULL counts as empty.
 * The units are cut off, never rounded, and not put into the singular.
 */
void expiry_message(const char *name, int64_t left, char *message, size_t size);

/* notAfter, or notBefore, in seconds of the epoch, from UTCTime or GeneralizedTime (RFC 5280, 4.1.2.5).
 * False: it is neither. */
bool expiry_time(const struct ossl *ossl, const ASN1_TIME *time, int64_t *seconds);

#endif
