/* Small helpers for texts. No state; thread-safe. None of them asks the host's locale or time zone. */
#ifndef TLSGRAFT_TEXT_H
#define TLSGRAFT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "policy/arena.h"

/* Copies `text`, cut to fit `size`, with each byte that is not valid UTF-8 (RFC 3629) replaced by '?'. */
void text_to_utf8(const char *text, char *out, size_t size);

/*
 * Does a control character stand at `text` (`left` bytes of UTF-8), or one that is not seen but changes what
 * is: of direction, of width zero, a line's or paragraph's end? Its bytes, and its number to `*code`; 0: no.
 * Those below a space are not told.
 */
size_t text_control(const char *text, size_t left, unsigned *code);

/*
 * Replaces what a terminal could obey, or show as what it is not, by a '?' each: control characters, what
 * text_control() tells, and bytes that are not valid UTF-8.
 */
void text_for_terminal(char *text);

/* The text as one word of a command for a shell, whatever it holds; in the arena. NULL: memory is short. */
const char *text_for_shell(struct arena *arena, const char *text);

#define TEXT_TIME_SIZE 80 /* no year is too far off */

/* RFC 3339 in UTC, with whole seconds: `2026-01-31T23:59:59Z`. */
void text_of_time(time_t time, char out[TEXT_TIME_SIZE]);

/* Writes `count` bytes as lower-case hex, with a NUL: 2 * count + 1 characters. */
void text_hex(const unsigned char *bytes, size_t count, char *text);

/* Of either case, whatever the locale. */
static inline bool text_is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Of ASCII alone, whatever the locale. */
static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
