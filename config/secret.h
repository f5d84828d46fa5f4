/* What is secret in a policy: the secret of private keys, and the password of a store. */
#ifndef TLSGRAFT_CONFIG_SECRET_H
#define TLSGRAFT_CONFIG_SECRET_H

#include "config/load.h"
#include "policy/record.h"

/* Where a path was given: in a setting, or in a variable. */
struct secret_path {
    const char *path;        /* absolute */
    const char *name;        /* of the setting or the variable */
    const struct source *at; /* NULL: a variable */
    const char *without;     /* "until it can, ...": what does not work without it */
};

/*
 * Reads a secret, less one final newline, from a file of its own into the policy's arena, from where
 * policy_free() wipes it. What is wrong is reported; `secret` then stays as it is.
 */
void secret_read_file(struct load *load, const struct secret_path *from, struct secret *secret);

/*
 * A warning where the file of `at`, the policy or one that it includes, can be read by others, and `what` of
 * a setting, a secret, stands in it. `instead`: what may be done about it.
 */
void secret_warn_of_readers(struct load *load, const struct source *at, const char *setting, const char *what,
                            const char *instead);

/*
 * Finds the secret of private keys: what the variables of the two settings say, else the settings (NULL: not
 * there), else the gateway's variable. What is wrong is reported.
 */
void secret_read(struct load *load, const config_setting_t *in_place, const config_setting_t *file);

#endif
