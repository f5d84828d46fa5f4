/* What the commands `tlsgraft cert ...` work with: the store, the organisation and the secret of the policy.
 */
#ifndef TLSGRAFT_CERT_STORE_H
#define TLSGRAFT_CERT_STORE_H

#include <stdbool.h>

#include "cli/command.h"
#include "cli/crypto.h"
#include "cli/policy_file.h"
#include "policy/store.h"

enum { CERT_STORE_NAME_SIZE = 4200 };

/* Of the caller, between cert_store_open() and cert_store_close(). */
struct cert_store {
    const char *command; /* in whose name the user is told */
    struct policy_file file;
    const struct policy *policy; /* where there is no policy file: one without rules */
    const struct store_settings *settings;
    char name[CERT_STORE_NAME_SIZE]; /* of the store, for messages */
};

/*
 * Reads the policy: STATUS_DONE, or another status, and the user has been told. Where there is no policy at
 * all the defaults apply, and the variables that stand for settings. To be closed in any case.
 */
int cert_store_open(struct cert_store *store, const struct invocation *invocation);
void cert_store_close(struct cert_store *store);

/* Tells of a store that did what `why` says. STATUS_SURROUNDINGS. */
int cert_store_say_failed(const struct cert_store *store, const char *what, const char *why);

/* OpenSSL for `command`; false: there is none, and the user has been told. */
bool cert_store_crypto(const char *command, struct crypto *crypto);

/*
 * The whole of a command that is about one record: its operand is ID, and it has one option beside --help,
 * which takes no argument. `act` is called with the store open, and gives the status.
 */
int cert_store_run(const struct invocation *invocation, const char *option,
                   int (*act)(const struct cert_store *store, const char *id, bool chosen));

/* May `organisation` begin ids? "" may. False: the user has been told. */
bool cert_store_check_organisation(const char *command, const char *organisation);

/* The organisation that an id begins with: of `size` bytes. "" for one that does not end in 64 hex digits. */
void cert_store_organisation_of(const char *id, char *organisation, size_t size);

/* Tells that there is no record of this id, and why that may be. STATUS_NO. */
int cert_store_say_absent(const struct cert_store *store, const char *id);

#endif
