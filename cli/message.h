/*
 * Words for the user, on stderr. An error reads `tlsgraft: WHAT: WHY; WHAT TO DO`.
 *
 * Names of files and texts from ELF files may be hostile: everything is escaped before it reaches a terminal.
 */
#ifndef TLSGRAFT_MESSAGE_H
#define TLSGRAFT_MESSAGE_H

#include <stddef.h>
#include <stdio.h>

/* One line on stderr, after `tlsgraft: `. */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2), nonnull));

/* One line on stderr, after `tlsgraft: warning: `. */
void message_warning(const char *format, ...) __attribute__((format(printf, 1, 2), nonnull));

/* One line on stderr, with nothing before it: for errors that begin with FILE:LINE. */
void message_plain(const char *text);

/*
 * Copies `text` with control characters, what text_control() tells, and bytes that are not UTF-8 as `\xNN`.
 * What does not fit into `size` bytes (at least 1) is cut off. Escaping twice changes nothing.
 */
void text_escape(char *out, size_t size, const char *text);

/*
 * Does a control character stand at `text` (`left` bytes of UTF-8), or one that is not seen but changes what
 * is: of direction, of width zero, a line's or paragraph's end? Its bytes, and its number to `*code`; 0: no.
 * Those below a space are not told.
 */
size_t text_control(const char *text, size_t left, unsigned *code);

/* Writes `text` to `file`, escaped. */
void text_print(FILE *file, const char *text);

#endif
