/* The nearest known word to one that was mistyped. No state; thread-safe. */
#ifndef TLSGRAFT_CONFIG_NEAREST_H
#define TLSGRAFT_CONFIG_NEAREST_H

#include <stddef.h>

/* How many letters must be inserted, removed, changed or swapped with their neighbour (case ignored). */
unsigned word_distance(const char *a, const char *b);

/* The nearest of `words`, or NULL if none is near enough to be meant (a third of its letters). */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
