/* Texts that somebody took for a pin. */
#ifndef TLSGRAFT_CONFIG_MISTAKEN_H
#define TLSGRAFT_CONFIG_MISTAKEN_H

#include <stdbool.h>

#include "policy/arena.h"

/*
 * What is wrong with `text`, and what to write, if it is a SHA-256 in another form than that of a pin:
 * another prefix or none, hex behind a prefix, base64 without its padding or for URLs. NULL: it is not that.
 * In the arena or static.
 */
const char *mistaken_pin(struct arena *arena, const char *text);

enum { MISTAKEN_DIGITS_SIZE = 65 };

/* Is it a SHA-256 of hex digits and colons, after a label or not? Then its digits, in lower case. */
bool mistaken_digits(const char *text, char digits[MISTAKEN_DIGITS_SIZE]);

/*
 * The same as mistaken_pin() for a fingerprint of hex digits and colons, after a label such as "sha256
 * Fingerprint=".
 */
const char *mistaken_fingerprint(struct arena *arena, const char *text);

#endif
