/* Texts that somebody took for a pin. */
#ifndef TLSGRAFT_CONFIG_MISTAKEN_H
#define TLSGRAFT_CONFIG_MISTAKEN_H

#include "policy/arena.h"

/*
 * What is wrong with `text`, and what to write, if it is a SHA-256 in another form than that of a pin:
 * another prefix or none, hex behind a prefix, base64 without its padding or for URLs. NULL: it is not that.
 * In the arena or static.
 */
const char *mistaken_pin(struct arena *arena, const char *text);

/*
 * The same for a fingerprint of hex digits and colons, after a label such as "sha256 Fingerprint=".
 */
const char *mistaken_fingerprint(struct arena *arena, const char *text);

#endif
