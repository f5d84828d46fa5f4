/* The policy as the commands see it: which file, is it valid, and what is wrong with it. */
#ifndef TLSGRAFT_POLICY_FILE_H
#define TLSGRAFT_POLICY_FILE_H

#include <limits.h>
#include <stdbool.h>

#include "policy/policy.h"

enum policy_file_outcome {
    POLICY_FILE_READ,
    POLICY_FILE_UNRESOLVED,   /* read, but not all that its rules name: these may refuse */
    POLICY_FILE_NO_LIBCRYPTO, /* read, but without OpenSSL its PEM keys cannot be checked */
    POLICY_FILE_INVALID,
    POLICY_FILE_ABSENT, /* no such file, or it must not be read */
};

struct policy_file {
    char path[PATH_MAX];   /* absolute */
    bool strict;           /* a key or a file that cannot be resolved is an error, not a warning */
    bool unresolved;       /* there is such a one */
    struct policy *policy; /* NULL for the last two outcomes */
};

/*
 * Is there no policy at all, so that programs are left as they are? `option` as below. Tells the user
 * nothing.
 */
bool policy_file_is_none(const char *option);

/*
 * Decides on the path: `option` (NULL: not given; relative to the working directory), else what
 * TLSGRAFT_POLICY says, else the default. False: it cannot be used, and the user has been told.
 */
bool policy_file_choose(struct policy_file *file, const char *option);

/*
 * Reads the file and turns its PEM keys into pins. Everything that is found wrong is written to stderr, but
 * for POLICY_FILE_NO_LIBCRYPTO. Free with policy_file_close(), whatever the outcome.
 */
enum policy_file_outcome policy_file_read(struct policy_file *file);

/* Tells the user of POLICY_FILE_NO_LIBCRYPTO, and what to do. */
void policy_file_say_no_libcrypto(const struct policy_file *file);

void policy_file_close(struct policy_file *file);

#endif
