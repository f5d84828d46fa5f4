/* What the tests of records share: vectors, keys and certificates of the openssl command, uploads. */
#ifndef TLSGRAFT_TESTS_RECORD_SUPPORT_H
#define TLSGRAFT_TESTS_RECORD_SUPPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/record.h"

enum { RECORD_WHY_SIZE = 512 };

/* A text; malloc(3), with a NUL behind it. Tests do not free it: each runs in a process of its own. */
struct content {
    char *text;
    size_t length;
};

/* Runs a shell command in the fixture's directory; its output. The test fails if it does not end with 0. */
struct content shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As fixture_make(), with key.pem, its pub.pem and cert.pem, and another pair, other.key and other.pem. */
void record_fixture_make(void);

/* Texts one after the other. */
struct content joined(const char *first, ...) __attribute__((sentinel));

/* A file of tests/vectors. */
struct content vector_file(const char *name);

/* Calls `visit` for each vector that has `key`; the number of them. */
unsigned each_vector(const char *key, void (*visit)(const json_t *vector));
const char *vector_text(const json_t *vector, const char *key);

/* A function of libcrypto that is not in the table, to compare with; NULL: there is none. */
void *crypto_function(const char *name);

/* The IV of a DEK-Info. */
void iv_of(const char *dek_info, unsigned char iv[16]);

struct secret secret_of(const char *text);

/* An upload for the organisation "org", with the secret "s3cret". */
struct record_input upload_of(struct content content);

/* Makes and reads back a record; the test fails if that is refused. */
struct record_made made_of(const struct record_input *input);
struct record *record_of(const char *id, const char *text, size_t length);

#endif
