/* `tlsgraft cert usage`: the rules that refer to a record of the store. */
#include <stdio.h>
#include <string.h>

#include "cli/cert_store.h"
#include "cli/cert_uses.h"
#include "cli/message.h"
#include "cli/output.h"

static const char name[] = "cert usage";

static json_t *object_of(const struct cert_use *use)
{
    char domain[DOMAIN_TEXT_SIZE];
    json_t *object = json_object();
    domain_format(&use->domain, domain);
    if (use->section != NULL)
        json_object_set_new(object, "program", output_text(use->section->name));
    json_object_set_new(object, "domain", output_text(domain));
    json_object_set_new(object, "role", json_string(cert_role_name(use->role)));
    json_object_set_new(object, "rule", output_place(use->source->file, use->source->line));
    return object;
}

static void print_line(const struct cert_use *use)
{
    char domain[DOMAIN_TEXT_SIZE];
    bool reader = output_is_to_reader();
    domain_format(&use->domain, domain);
    if (use->section != NULL)
        text_print(stdout, use->section->name);
    else if (reader)
        fputs("(global)", stdout);
    printf(reader ? "  %s  %s  " : "\t%s\t%s\t", domain, cert_role_name(use->role));
    text_print(stdout, use->source->file);
    printf(":%u\n", use->source->line);
}

static int print_json(const struct cert_uses *uses)
{
    json_t *array = json_array();
    for (size_t i = 0; i < uses->count; i++)
        json_array_append_new(array, object_of(&uses->items[i]));
    return output_json(name, array);
}

static int print(const char *path, const char *id, const struct cert_uses *uses, bool json)
{
    if (uses->failed) {
        message_error("%s: there is not enough memory; try again when there is more", name);
        return STATUS_SURROUNDINGS;
    }
    if (json && print_json(uses) != STATUS_DONE)
        return STATUS_SURROUNDINGS;
    for (size_t i = 0; i < uses->count && !json; i++)
        print_line(&uses->items[i]);
    if (uses->count > 0)
        return STATUS_DONE;
    if (path[0] != '\0')
        message_error("%s: %s: no rule of %s refers to it; see --policy for another policy", name, id, path);
    else
        message_error("%s: %s: there is no policy, so no rule refers to it; name one with --policy", name,
                      id);
    return STATUS_NO;
}

static int find_and_print(const struct cert_store *store, const char *id, bool json)
{
    struct cert_uses uses;
    cert_uses_find(store->policy, id, &uses);
    int status = print(store->file.path, id, &uses, json);
    cert_uses_free(&uses);
    return status;
}

static int run(const struct invocation *invocation)
{
    return cert_store_run(invocation, "json", find_and_print);
}

const struct command command_cert_usage = {
    .name = name,
    .usage = "tlsgraft [--policy FILE] cert usage ID [--json]",
    .summary = "tell which rules refer to a record",
    .help =
        "Looks into the policy, and not into the store. Into a pipe it prints a line for each domain of a\n"
        "rule that names ID: the name of its section of `programs` (empty: global), the domain, what ID is\n"
        "for ('pin', 'upstream': a client certificate), and the rule as FILE:LINE, with tabs between. Rules "
        "that are switched off are told "
        "too;\n"
        "those that name the key or the certificate in another way (a file, sha256//...) are not.\n"
        "\n"
        "  --json  print [{program, domain, role, rule}]; program is absent for a global rule\n"
        "\n"
        "status: 0 done; 1 no rule refers to it; 2 wrong usage, an invalid policy; 3 the policy cannot be\n"
        "read\n"
        "\n"
        "example:\n"
        "  tlsgraft --policy policy.cfg cert usage "
        "5e9d9544a1dcd60001d0ed20379edd0d5091ef6de8905ae001bf35bf6a50766858309d7554d91ee19530f7ed\n",
    .run = run,
};
