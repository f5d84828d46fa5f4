/* The bytes of a whole file, for what no table in it tells. */
#ifndef TLSGRAFT_SCAN_H
#define TLSGRAFT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* What is looked for may not be longer: so much of a piece comes again with the next one. */
enum { SCAN_OVERLAP = 64 };

/* Looks at `size` bytes, which stand `before` bytes after the start of the file. False: enough is seen. */
typedef bool scan_look(void *context, const char *piece, size_t size, size_t before);

/* Reads the file open as `fd` to its end. False: it cannot be read, or memory is short; errno tells. */
bool scan_file(int fd, scan_look *look, void *context);

/* At `at`, `left` bytes before the end of the piece, does `text` stand? */
bool scan_stands(const char *at, size_t left, const char *text);

#endif
