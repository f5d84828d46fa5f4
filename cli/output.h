/* What the commands print to stdout: lines for a pipe or for a reader, and JSON. */
#ifndef TLSGRAFT_OUTPUT_H
#define TLSGRAFT_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

/* Is stdout a terminal, so that a person reads? To anything else lines are plain, with tabs between. */
bool output_is_to_reader(void);

/* As output_is_to_reader(), and NO_COLOR (no-color.org) is not set, and TERM is not "dumb". */
bool output_is_coloured(void);

/* A JSON string; what is not UTF-8 is escaped as message.h says. Never NULL unless memory is short. */
json_t *output_text(const char *text);

/* The same, for `FILE:LINE`. */
json_t *output_place(const char *file, unsigned line);

/*
 * Prints the character of a JSON text at which `left` bytes begin, what text_control() tells as `\uNNNN`.
 * How many bytes it has.
 */
size_t output_json_character(const char *text, size_t left);

/*
 * Prints `value`, a line break behind it, and releases it. NULL: memory was short while it was made. An enum
 * status: STATUS_DONE, else STATUS_SURROUNDINGS, and the user has been told in the name of `command`.
 */
int output_json(const char *command, json_t *value);

#endif
