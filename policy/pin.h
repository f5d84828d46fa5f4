/*
 * Pins: the SHA-256 of a DER SubjectPublicKeyInfo (RFC 7469, section 2.4; curl's --pinnedpubkey).
 *
 * No function keeps state; all are thread-safe.
 */
#ifndef TLSGRAFT_PIN_H
#define TLSGRAFT_PIN_H

#include <stdbool.h>
#include <stddef.h>

#define PIN_BYTES     32
#define PIN_TEXT_SIZE (sizeof "sha256//" + 44) /* with the NUL */

struct pin {
    unsigned char sha256[PIN_BYTES];
};

bool pin_equal(const struct pin *a, const struct pin *b);

/* Writes `sha256//BASE64` and a NUL. */
void pin_format(const struct pin *pin, char text[PIN_TEXT_SIZE]);

/* Reads BASE64 of exactly 32 bytes (padding required, RFC 4648 section 4). False: it is not that. */
bool pin_from_base64(const char *text, size_t length, struct pin *pin);

/* Reads exactly 64 hex digits of either case. False: it is not that. */
bool pin_from_hex(const char *text, size_t length, struct pin *pin);

#endif
