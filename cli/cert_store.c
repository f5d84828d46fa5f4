#include "cli/cert_store.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "policy/pin.h"
#include "policy/record.h"

static int read_policy(struct cert_store *store, const struct invocation *invocation)
{
    if (policy_file_is_none(invocation->policy))
        return policy_file_without(&store->file) ? STATUS_DONE : STATUS_USAGE;
    if (!policy_file_choose(&store->file, invocation->policy))
        return STATUS_SURROUNDINGS;
    switch (policy_file_read(&store->file)) {
    case POLICY_FILE_READ:
    case POLICY_FILE_UNRESOLVED:
    case POLICY_FILE_STORE_FAILED:
    case POLICY_FILE_NO_LIBCRYPTO:
        return STATUS_DONE;
    case POLICY_FILE_ABSENT:
        return STATUS_SURROUNDINGS;
    case POLICY_FILE_INVALID:
        break;
    }
    return STATUS_USAGE;
}

int cert_store_open(struct cert_store *store, const struct invocation *invocation)
{
    memset(store, 0, sizeof *store);
    store->command = invocation->command->name;
    int status = read_policy(store, invocation);
    if (status != STATUS_DONE)
        return status;
    store->policy = store->file.policy;
    store->settings = &store->policy->store;
    store_name(store->settings, store->name, sizeof store->name);
    return STATUS_DONE;
}

void cert_store_close(struct cert_store *store)
{
    policy_file_close(&store->file);
}

int cert_store_say_failed(const struct cert_store *store, const char *what, const char *why)
{
    message_error("%s: %s: %s: %s", store->command, what, store->name, why);
    return STATUS_SURROUNDINGS;
}

bool cert_store_crypto(const char *command, struct crypto *crypto)
{
    if (crypto_open(crypto))
        return true;
    message_error("%s: records cannot be read without OpenSSL: no libcrypto of OpenSSL 1.1.1 to 4 is "
                  "installed; install one",
                  command);
    return false;
}

/* A fingerprint as openssl prints it, which is no id. */
static bool has_colons(const char *id)
{
    size_t length = strlen(id);
    return length >= 3 * PIN_BYTES - 1 && strchr(id, ':') != NULL &&
           strspn(id + length - (3 * PIN_BYTES - 1), "0123456789abcdefABCDEF:") == 3 * PIN_BYTES - 1;
}

/* May `id` (NULL: none is given) be one? False: the user has been told. */
static bool check_id(const char *command, const char *id)
{
    if (id == NULL) {
        message_error("%s: no ID is given; give one that 'tlsgraft cert list' prints", command);
        return false;
    }
    const char *fault = record_id_fault(id);
    if (fault == NULL && has_colons(id)) {
        message_error("%s: '%s': this is a fingerprint with colons; leave the colons out, write it in lower "
                      "case, and the organisation before it",
                      command, id);
        return false;
    }
    if (fault != NULL)
        message_error("%s: '%.300s': this is no id: %s; an id is the organisation and %d hex digits, as "
                      "'tlsgraft cert add' prints it",
                      command, id, fault, RECORD_HASH_DIGITS);
    return fault == NULL;
}

bool cert_store_check_organisation(const char *command, const char *organisation)
{
    char id[RECORD_ID_MAX + 2];
    const char *fault = NULL;
    snprintf(id, sizeof id, "%s%0*d", organisation, RECORD_HASH_DIGITS, 0);
    fault = record_id_fault(id);
    if (fault != NULL)
        message_error(
            "%s: --org '%.300s': an id cannot begin with it: %s; give the organisation as the gateway "
            "has it",
            command, organisation, fault);
    return fault == NULL;
}

void cert_store_organisation_of(const char *id, char *organisation, size_t size)
{
    size_t length = strlen(id);
    struct pin hash;
    bool is_one = length >= RECORD_HASH_DIGITS &&
                  pin_from_hex(id + length - RECORD_HASH_DIGITS, RECORD_HASH_DIGITS, &hash);
    snprintf(organisation, size, "%.*s", is_one ? (int)(length - RECORD_HASH_DIGITS) : 0, id);
}

int cert_store_say_absent(const struct cert_store *store, const char *id)
{
    const char *organisation = store->policy->organisation;
    struct pin hash;
    if (organisation[0] != '\0' && pin_from_hex(id, strlen(id), &hash))
        message_error(
            "%s: %s: there is no such record in the %s; ids begin with the organisation, so try %s%s",
            store->command, id, store->name, organisation, id);
    else
        message_error("%s: %s: there is no such record in the %s; see 'tlsgraft cert list'", store->command,
                      id, store->name);
    return STATUS_NO;
}

static bool take(void *context, int option, const char *argument)
{
    (void)option;
    (void)argument;
    *(bool *)context = true;
    return true;
}

int cert_store_run(const struct invocation *invocation, const char *option,
                   int (*act)(const struct cert_store *store, const char *id, bool chosen))
{
    const struct option options[] = {
        {option, no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool chosen = false;
    struct cert_store store;
    const char *id;
    struct operands operands = {.what = "ID", .words = &id, .max = 1};
    int status;
    if (!command_line(invocation, options, take, &chosen, &operands, &status))
        return status;
    if (!check_id(invocation->command->name, id))
        return STATUS_USAGE;
    status = cert_store_open(&store, invocation);
    if (status == STATUS_DONE)
        status = act(&store, id, chosen);
    cert_store_close(&store);
    return status;
}
