/* What kind of thing a DER file holds, as far as it shows without OpenSSL. No state; thread-safe. */
#ifndef TLSGRAFT_DER_H
#define TLSGRAFT_DER_H

#include <stdbool.h>
#include <stddef.h>

enum der_kind {
    DER_NOT, /* it is no DER, as far as can be seen; it may be a text */
    DER_CERTIFICATE,
    DER_PUBLIC_KEY,
    DER_PRIVATE_KEY, /* not encrypted: PKCS #1, SEC 1, PKCS #8 */
    DER_ENCRYPTED_KEY,
    DER_PKCS7,
    DER_PKCS12,
};

/*
 * By how it begins (ITU-T X.690): a SubjectPublicKeyInfo with a SEQUENCE that has an OID, before a BIT
 * STRING; an encrypted private key with the same before an OCTET STRING; a private key with its version, 0 or
 * 1; PKCS #12 with version 3; PKCS #7 with an OID. Anything else is taken for a certificate.
 */
enum der_kind der_kind(const void *data, size_t length);

/* Is it one SEQUENCE, whose length is all of the data? Bytes that were decrypted with a wrong secret are not.
 */
bool der_is_whole(const void *data, size_t length);

#endif
