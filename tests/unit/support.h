/* What unit tests share: policy files in a directory of their own, and a table of OpenSSL's functions. */
#ifndef TLSGRAFT_TESTS_SUPPORT_H
#define TLSGRAFT_TESTS_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "policy/openssl.h"

/* A new empty directory; removed with all in it by directory_remove(). */
struct directory {
    char path[64];
};
void directory_make(struct directory *directory);
void directory_remove(const struct directory *directory);

/* Writes a file (mode 0600) and returns its path, in a static buffer of a few. */
const char *directory_write(const struct directory *directory, const char *name, const void *data,
                            size_t length);
const char *directory_text(const struct directory *directory, const char *name, const char *text);

/* What stands in a file, as far as 64 kB; in a static buffer. */
const char *text_of_file(const char *path);

/* What config_load() reported, all severities, each on a line. */
struct findings {
    char text[16384];
    unsigned errors, unresolved, warnings;
};

/* The directory and the findings of the test that runs; Criterion runs each in a process of its own. */
extern struct directory directory;
extern struct findings findings;
void fixture_make(void);
void fixture_clean(void);

/* An environment without any variable of ours. */
char *no_environment(const char *name);

/* Loads a policy; the caller frees it. */
struct policy *load_file(const char *path, struct findings *findings);
struct policy *load_with(const char *path, config_getenv *getenv, struct findings *findings,
                         struct watch *watch);
struct policy *load_watched(const char *path, struct findings *findings, struct watch *watch);
struct policy *load_text(const struct directory *directory, const char *text, struct findings *findings);

/* The libcrypto part, from the newest libcrypto there is. */
const struct ossl *crypto_table(void);

#endif
