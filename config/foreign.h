/* Characters that a policy can have in texts and comments alone, but that editors and web pages put
 * elsewhere. */
#ifndef TLSGRAFT_CONFIG_FOREIGN_H
#define TLSGRAFT_CONFIG_FOREIGN_H

#include <stddef.h>

#include "policy/arena.h"

/*
 * What stands at `at`, of which `left` bytes (at least 1) can be read: a byte that is not ASCII. `what was
 * found; what to do`, in the arena; NULL: memory is short.
 */
const char *foreign_words(struct arena *arena, const char *at, size_t left);

#endif
