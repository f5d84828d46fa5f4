/*
 * The hash of a symbol's name in the GNU hash section of an object, of a text literal of at most 48
 * characters, as a constant: a libssl's table is filled from some 170 names in every process that uses it.
 */
#ifndef TLSGRAFT_GNU_HASH_H
#define TLSGRAFT_GNU_HASH_H

#include <stdint.h>

#define GNU_HASH_INITIAL 5381U
#define GNU_HASH_FACTOR  33U
#define GNU_HASH_LONGEST 48

/* One character; behind the end of the text it changes nothing. */
#define GNU_HASH_HAS(text, i) ((i) < sizeof(text) - 1)
#define GNU_HASH_1(hash, text, i)                                                                            \
    ((hash) * (GNU_HASH_HAS(text, i) ? GNU_HASH_FACTOR : 1U) +                                               \
     (GNU_HASH_HAS(text, i) ? (uint32_t)(unsigned char)(text)[GNU_HASH_HAS(text, i) ? (i) : 0] : 0U))
#define GNU_HASH_4(hash, text, i)                                                                            \
    GNU_HASH_1(GNU_HASH_1(GNU_HASH_1(GNU_HASH_1(hash, text, i), text, (i) + 1), text, (i) + 2), text, (i) + 3)
#define GNU_HASH_12(hash, text, i)                                                                           \
    GNU_HASH_4(GNU_HASH_4(GNU_HASH_4(hash, text, i), text, (i) + 4), text, (i) + 8)

/* The checks of clang-tidy take minutes for what these expand to in a table. */
#ifdef __clang_analyzer__
#define GNU_HASH(text) ((uint32_t)sizeof(text))
#else
#define GNU_HASH(text)                                                                                       \
    GNU_HASH_12(GNU_HASH_12(GNU_HASH_12(GNU_HASH_12(GNU_HASH_INITIAL, text, 0U), text, 12U), text, 24U),     \
                text, 36U)
#endif

#endif
