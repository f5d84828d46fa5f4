/*
 * The long lists of groups in a flat text, cut into pieces of a few groups each, so that libconfig never
 * holds more than one piece of a list of a hundred thousand rules.
 *
 * Brackets, commas and the elements of lists are followed while the text is scanned. A list is long only if
 * its elements are groups, with one comma between each two: then, libconfig's grammar being what it is, the
 * text is right if and only if each piece is, and the rest with one element in the place of all pieces.
 */
#ifndef TLSGRAFT_CONFIG_LONG_LISTS_H
#define TLSGRAFT_CONFIG_LONG_LISTS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/arena.h"

#define LONG_LISTS_NESTING_MAX 32 /* of groups, lists and arrays */

/* Groups with commas between them. Bytes of the flat text: from `begin` to before `end`. */
struct list_piece {
    size_t begin;
    size_t end;
    unsigned line; /* of `begin` */
};

struct long_list {
    size_t first; /* of its pieces */
    size_t count;
    size_t elements;
    unsigned last_line; /* of the end of the last piece */
    bool read;          /* all of its pieces were parsed; see config/elements.h */
};

struct long_lists {
    struct long_list *lists; /* in the order of the text; none within another */
    size_t count;
    struct list_piece *pieces;
    size_t piece_count;
};

/* What is open while a text is scanned. All zero: nothing is. */
struct bracket {
    char open;
    bool groups;  /* a list, of groups so far */
    bool whole;   /* its last element stands whole, and no comma after it */
    bool holds;   /* a long list is in it, so it is none itself */
    size_t first; /* of its pieces */
    size_t elements;
    unsigned last_line; /* of the end of its last element */
};

struct list_scan {
    struct arena *arena; /* of the lists */
    struct long_lists *lists;
    unsigned depth;
    bool crossed; /* a bracket was closed by one of another kind: no list is cut */
    bool failed;  /* memory is short */
    struct bracket open[LONG_LISTS_NESTING_MAX + 1];
};

/*
 * A character outside of texts, names, numbers and comments, at byte `at` and `line` of the flat text. The
 * caller sees to it that no more than LONG_LISTS_NESTING_MAX brackets are open, and closes none that is not.
 */
void list_scan_character(struct list_scan *scan, char c, size_t at, unsigned line);

/* A text, a name or a number. */
void list_scan_word(struct list_scan *scan);

#endif
