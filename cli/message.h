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
 * Copies `text` with control characters, what text_control() (policy/text.h) tells, and bytes that are not
 * UTF-8 as `\xNN`. What does not fit into `size` bytes (at least 1) is cut off. Escaping twice changes
 * nothing.
 */
void text_escape(char *out, size_t size, const char *text);

/* Writes `text` to `file`, escaped. */
void text_print(FILE *file, const char *text);

#endif
