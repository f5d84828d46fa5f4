/* `tlsgraft cert delete`: takes a record out of the store, unless a rule refers to it. */
#include <stdio.h>
#include <string.h>

#include "cli/cert_store.h"
#include "cli/cert_uses.h"
#include "cli/message.h"
#include "policy/record.h"

static const char name[] = "cert delete";

/* A rule is told once, whatever the number of its domains. */
static void tell_uses(const struct cert_uses *uses, const char *id, bool force)
{
    for (size_t i = 0; i < uses->count; i++) {
        const struct cert_use *use = &uses->items[i];
        char domain[DOMAIN_TEXT_SIZE];
        char words[8192];
        if (i > 0 && use->source == uses->items[i - 1].source)
            continue;
        domain_format(&use->domain, domain);
        snprintf(words, sizeof words, "%s:%u: %s: %s is in use by this rule, for %s; %s", use->source->file,
                 use->source->line, name, id, domain,
                 !force                  ? "take it out of the rule before, or use --force"
                 : use->role == CERT_PIN ? "name another key in it"
                                         : "name another certificate in it");
        if (force)
            message_warning("%s", words);
        else
            message_plain(words);
    }
}

/* An index may name what is no record of its organisation: then that of the policy is meant. */
static enum store_result delete_everywhere(const struct cert_store *store, const char *id, char *why)
{
    char own[RECORD_ID_MAX + 1];
    const char *organisation = store->policy->organisation;
    cert_store_organisation_of(id, own, sizeof own);
    enum store_result result = store_delete(store->settings, own, id, why);
    if (result == STORE_FAILED || organisation[0] == '\0' || strcmp(own, organisation) == 0)
        return result;
    enum store_result other = store_delete(store->settings, organisation, id, why);
    return other == STORE_FAILED || result == STORE_ABSENT ? other : result;
}

static int delete_record(const struct cert_store *store, const char *id)
{
    char why[STORE_WHY_SIZE] = "";
    switch (delete_everywhere(store, id, why)) {
    case STORE_DONE:
        return STATUS_DONE;
    case STORE_UNLISTED:
        message_warning("%s: %s: there was no such record in the %s; the index named it, and does so no more",
                        name, id, store->name);
        return STATUS_DONE;
    case STORE_ABSENT:
        return cert_store_say_absent(store, id);
    default:
        return cert_store_say_failed(store, id, why);
    }
}

static int delete_unused(const struct cert_store *store, const char *id, bool force)
{
    struct cert_uses uses;
    cert_uses_find(store->policy, id, &uses);
    int status = STATUS_NO;
    if (uses.failed && !force) {
        message_error(
            "%s: there is not enough memory to see whether a rule refers to it; try again when there "
            "is more",
            name);
        status = STATUS_SURROUNDINGS;
    } else if (uses.count == 0 || force) {
        status = delete_record(store, id);
    }
    if (status == STATUS_DONE || !force)
        tell_uses(&uses, id, force);
    cert_uses_free(&uses);
    return status;
}

static int run(const struct invocation *invocation)
{
    return cert_store_run(invocation, "force", delete_unused);
}

const struct command command_cert_delete = {
    .name = name,
    .usage = "tlsgraft [--policy FILE] cert delete ID [--force]",
    .summary = "take a record out of the certificate store",
    .help =
        "Takes the record out, private key and all; nothing brings it back. A record that a rule of the\n"
        "policy names stays, and the rules are told: see 'tlsgraft cert usage'. Only the policy of this\n"
        "command is asked: other policies, and gateways, may use the same store.\n"
        "\n"
        "  --force  take it out even if a rule names it; that key or certificate of the rule is then "
        "missing\n"
        "\n"
        "An id that only the index in Redis names is taken out of that, and a warning tells.\n"
        "\n"
        "Programs that run hold the record in memory for up to `cache_seconds` more.\n"
        "\n"
        "status: 0 done; 1 a rule refers to it, or it is not there; 2 wrong usage, an invalid policy; 3 the\n"
        "store was not reached\n"
        "\n"
        "example:\n"
        "  tlsgraft --policy policy.cfg cert delete "
        "5e9d9544a1dcd60001d0ed20379edd0d5091ef6de8905ae001bf35bf6a50766858309d7554d91ee19530f7ed\n",
    .run = run,
};
