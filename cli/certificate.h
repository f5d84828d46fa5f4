/* What the commands tell of a certificate or a public key. */
#ifndef TLSGRAFT_CERTIFICATE_H
#define TLSGRAFT_CERTIFICATE_H

#include <stdbool.h>
#include <time.h>

#include "cli/crypto.h"
#include "cli/key_type.h"
#include "policy/pin.h"

enum { CERTIFICATE_SUBJECT_SIZE = 1024, CERTIFICATE_HEX_SIZE = 2 * PIN_BYTES + 1 };

/* Plain data, of the caller. */
struct certificate {
    struct pin pin;                         /* of its key */
    bool is_key;                            /* a public key alone */
    char subject[CERTIFICATE_SUBJECT_SIZE]; /* as RFC 2253 writes names; cut off where it is longer. Not
                                               escaped for terminals. "" for a public key */
    bool expires;                           /* false: a public key, or a time that cannot be read */
    time_t not_after;
    char key_type[KEY_TYPE_SIZE];
};

/* False: its key cannot be read, or memory is short. Leaves OpenSSL's error queue as it was. */
bool certificate_read(const struct crypto *crypto, X509 *x, struct certificate *certificate);

/* False: it is none (NULL), or one that cannot be read. */
bool certificate_time(const struct crypto *crypto, const ASN1_TIME *encoded, time_t *time);

/*
 * Is told of one certificate, or public key, of a PEM text, and the line (from 1) on which its block starts.
 * False: no more.
 */
typedef bool certificate_visit(const struct certificate *certificate, unsigned line, void *context);

/*
 * Calls `visit` for each CERTIFICATE and PUBLIC KEY block of a PEM text, in order. It is split into blocks as
 * records are (policy/record_pem.h), so that what is told of a record is what was checked of it. Blocks of
 * other kinds, and what stands between, are passed over. NULL: no block is wrong, before that at
 * which `visit` stopped. Else what is wrong with that on `*line`, and what to do, of static duration. Leaves
 * OpenSSL's error queue as it was.
 */
const char *certificate_each(const struct crypto *crypto, const char *pem, size_t length,
                             certificate_visit *visit, void *context, unsigned *line);

/* The pin as 64 hex digits, lower case, and a NUL. */
void certificate_pin_hex(const struct certificate *certificate, char hex[CERTIFICATE_HEX_SIZE]);

#endif
