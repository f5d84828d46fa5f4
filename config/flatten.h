/*
 * A policy file and what it includes, as one text that is safe to hand to libconfig.
 *
 * libconfig 1.5 opens includes itself (and exits the process if one is a directory, hangs at a FIFO),
 * overflows small stacks on deep nesting, reads 4294967297 as 1, and takes quadratic time for groups of a
 * million settings. So its text is scanned first, with the rules of its own scanner.
 */
#ifndef TLSGRAFT_CONFIG_FLATTEN_H
#define TLSGRAFT_CONFIG_FLATTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "config/long_lists.h"
#include "config/watch.h"
#include "policy/arena.h"
#include "policy/policy.h"

#define FLAT_BYTES_MAX         ((size_t)16 << 20) /* of all files together */
#define FLAT_NESTING_MAX       LONG_LISTS_NESTING_MAX
#define FLAT_INCLUDE_DEPTH_MAX 8
#define FLAT_INCLUDES_MAX      1000 /* in all */
#define FLAT_SETTINGS_MAX      64   /* in one group: more than any group has names for */

/* From line `flat` of the text on, lines are those of `file` from `line` on. */
struct flat_segment {
    unsigned flat;
    const char *file;
    unsigned line;
};

struct flat_text {
    char *data; /* NUL-terminated */
    size_t length;
    struct flat_segment *segments; /* ascending */
    size_t segment_count;
    struct long_lists lists; /* none where brackets do not match, or the text is refused */
};

/*
 * Reads `path` and its includes; `watch` (NULL: none) remembers them. All memory is the arena's. NULL: done;
 * else one line `FILE:LINE: what was found; what is allowed` (or `FILE: ...`).
 */
const char *flatten(struct arena *arena, struct watch *watch, const char *path, struct flat_text *text);

/* Where line `flat` of the text comes from. */
struct source flat_source(const struct flat_text *text, unsigned flat);

#endif
