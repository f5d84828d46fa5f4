/*
 * From the text of a policy file to one `struct policy`.
 *
 * The format is libconfig's; the settings are those of tlsgraft-policy(5). Nothing here calls OpenSSL or
 * the loader, so a policy may be read in a constructor, before the host program's main.
 */
#ifndef TLSGRAFT_CONFIG_H
#define TLSGRAFT_CONFIG_H

#include <stdbool.h>

#include "config/watch.h"
#include "policy/policy.h"

/* Where the policy is looked for when neither --policy nor TLSGRAFT_POLICY says so. */
#define CONFIG_DEFAULT_PATH "/etc/tlsgraft/policy.cfg"

enum config_severity {
    CONFIG_WARNING,    /* the policy is usable */
    CONFIG_UNRESOLVED, /* what a rule names cannot be read: usable, but the rule may refuse */
    CONFIG_ERROR,      /* the policy is refused as a whole */
};

/*
 * Receives what is found wrong. `text` is one line without a final newline, `FILE:LINE: SETTING: ...`, and
 * lives until the call returns. Called on the thread that called config_load().
 */
struct config_report {
    void (*say)(void *context, enum config_severity severity, const char *text);
    void *context;
};

/* Reads an environment variable; NULL where it is not set. The host's secure_getenv(3), or a test's. */
typedef char *config_getenv(const char *name);

/*
 * Reads the policy file `path` (absolute), its includes, and the text of the key and certificate files it
 * names.
 *
 * Returns a policy that the caller frees with policy_free(), or NULL after `report` was given at least one
 * CONFIG_ERROR. Never exits, and never waits for a FIFO or a device. Thread-safe: no state is kept.
 *
 * `watch` (NULL: none) remembers all of these files, also where the policy is refused, so that a mended one
 * is noticed; the caller frees it.
 */
struct policy *config_load(const char *path, config_getenv *getenv, const struct config_report *report,
                           struct watch *watch);

/*
 * The same in place of `before` (NULL: there was none), by a thread that must not wait for a resolver: where
 * the address of the store is written as it was there, the addresses that were found then are taken over.
 */
struct policy *config_reload(const char *path, config_getenv *getenv, const struct config_report *report,
                             struct watch *watch, const struct policy *before);

/*
 * The same as config_load() where there is no policy file at all: a policy without rules, of the defaults and
 * of the variables that stand for settings.
 */
struct policy *config_defaults(config_getenv *getenv, const struct config_report *report);

/*
 * The path to read: `TLSGRAFT_POLICY` where set, else CONFIG_DEFAULT_PATH. `*named` tells whether it was
 * named (then a missing file is an error, and not "no policy"). The string is the environment's or static.
 */
const char *config_path(config_getenv *getenv, bool *named);

#endif
