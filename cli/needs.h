/* The TLS libraries that a program needs at start, and the words about them. */
#ifndef TLSGRAFT_NEEDS_H
#define TLSGRAFT_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/elf.h"
#include "cli/trace.h"

enum { NEEDS_MAX = 16, NEEDS_TEXT_SIZE = 1024 };

struct needs {
    char names[NEEDS_MAX][ELF_NAME_SIZE]; /* of the libraries, as the program asks for them */
    size_t count;
    char governed[NEEDS_TEXT_SIZE]; /* "OpenSSL 3 (libssl.so.3)", ...; empty: none */
    char others[NEEDS_TEXT_SIZE];   /* "GnuTLS (libgnutls.so.30)", ...; empty: none */
    char missing[ELF_NAME_SIZE];    /* a library that is not found; empty: none */
};

/* Adds what one line of the trace tells. */
void needs_add(struct needs *needs, const struct trace_line *line);

#endif
