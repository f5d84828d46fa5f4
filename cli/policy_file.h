/* The policy as the commands see it: which file, is it valid, and what is wrong with it. */
#ifndef TLSGRAFT_POLICY_FILE_H
#define TLSGRAFT_POLICY_FILE_H

#include <limits.h>
#include <stdbool.h>

#include "cli/crypto.h"
#include "policy/policy.h"

enum policy_file_outcome {
    POLICY_FILE_READ,
    POLICY_FILE_UNRESOLVED,   /* read, but not all that its rules name: these may refuse */
    POLICY_FILE_STORE_FAILED, /* read, but the store did not answer for the records that its rules name */
    POLICY_FILE_NO_LIBCRYPTO, /* read, but without OpenSSL its keys cannot be checked */
    POLICY_FILE_INVALID,
    POLICY_FILE_ABSENT, /* no such file, or it must not be read */
};

struct policy_file {
    char path[PATH_MAX];   /* absolute */
    bool asks_store;       /* set by the caller: the records that its rules name are read too */
    bool strict;           /* a key or a file that cannot be resolved is an error, not a warning; where the
                            * store is asked, client certificates are checked too */
    bool unresolved;       /* there is such a one */
    bool store_failed;     /* that is why one is not resolved */
    bool no_libcrypto;     /* its keys need OpenSSL, and there is none */
    struct crypto crypto;  /* filled where the policy needed OpenSSL */
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
 * Reads the file, turns its PEM keys into pins, and asks the store where it is to be asked. Everything that
 * is found wrong is written to stderr, but for POLICY_FILE_NO_LIBCRYPTO. Free with policy_file_close(),
 * whatever the outcome.
 */
enum policy_file_outcome policy_file_read(struct policy_file *file);

/*
 * For commands that need no policy, where policy_file_is_none(): a policy without rules, of the defaults and
 * of the variables that stand for settings. `path` is empty. False: a variable is wrong, and the user has
 * been told. Free with policy_file_close(), also then.
 */
bool policy_file_without(struct policy_file *file);

/* Tells the user of POLICY_FILE_NO_LIBCRYPTO, and what to do. */
void policy_file_say_no_libcrypto(const struct policy_file *file);

void policy_file_close(struct policy_file *file);

#endif
