/*
 * libconfig, kept from harming its host: in the copy that we link, malloc and its kin, exit, and all input
 * and output are renamed (config/CMakeLists.txt) to the functions in guarded.c. Its memory is an arena; out
 * of memory and what it would call exit(2) for end in a failed parse.
 */
#ifndef TLSGRAFT_CONFIG_GUARDED_H
#define TLSGRAFT_CONFIG_GUARDED_H

#include <libconfig.h>

#include "policy/arena.h"

/*
 * Parses a text that flatten() has passed. All memory is the arena's: config_destroy() must not be called.
 * NULL: done. Else what is wrong, and `*line` (of the text; 0: no line).
 *
 * Threads: any number at once, each with an arena of its own.
 */
const char *guarded_parse(struct arena *arena, const char *text, config_t *config, unsigned *line);

#endif
