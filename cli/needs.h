/* The TLS libraries that a program needs at start, or that a process has loaded, and the words about them. */
#ifndef TLSGRAFT_NEEDS_H
#define TLSGRAFT_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/elf.h"
#include "cli/tls.h"
#include "cli/version.h"

enum { NEEDS_MAX = 16, NEEDS_CRYPTO_MAX = 4, NEEDS_TEXT_SIZE = 1024 };

struct need {
    char name[ELF_NAME_SIZE]; /* of the file, as the program asks for it */
    struct tls_library library;
    char version[VERSION_SIZE]; /* of an OpenSSL, where its own file tells; else empty */
    bool uncertain;             /* TLS_LINKED_IN: what its file holds may mean something else */
};

struct needs {
    struct need at[NEEDS_MAX];
    size_t count;
    struct need crypto[NEEDS_CRYPTO_MAX]; /* the libcryptos, which tell the version since OpenSSL 3 */
    size_t crypto_count;
    char missing[ELF_NAME_SIZE]; /* a library that is not found; empty: none */
};

/*
 * Adds a library of any kind, found at `path`; NULL: not found. `name` may be a path too. The file is read to
 * its end where its name says nothing of TLS.
 */
void needs_add(struct needs *needs, const char *name, const char *path);

/* Where there is TLS to be governed, and all are added: leaves out what is uncertain. */
void needs_drop_uncertain(struct needs *needs);

bool needs_has(const struct needs *needs, enum tls_kind kind);

/*
 * "OpenSSL 3.0.19 (libssl.so.3), ..." where `governed`, else of all others: "GnuTLS (libgnutls.so.30)",
 * "libvendor.so (TLS linked in)"; empty: none.
 */
void needs_text(const struct needs *needs, bool governed, char text[NEEDS_TEXT_SIZE]);

/* What to do about the first that cannot be governed, of static duration; NULL: there is none. */
const char *needs_advice(const struct needs *needs);

#endif
