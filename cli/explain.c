/* `tlsgraft policy explain`: which rule a program and a host have, and what comes of it. Nothing is sent. */
#include <getopt.h>
#include <string.h>

#include "cli/command.h"
#include "cli/explain_print.h"
#include "cli/host.h"
#include "cli/message.h"
#include "cli/policy_file.h"
#include "cli/section.h"
#include "policy/resolve.h"

struct wishes {
    struct program_asked program;
    bool json;
};

/* Did the store not answer for a key of the rules that apply? */
static bool lacks_store(const struct explanation *explanation)
{
    const struct pin *pin;
    for (size_t i = 0; i < explanation->rules.count; i++) {
        const struct pin_rule *rule = explanation->rules.items[i].rule;
        for (size_t k = 0; k < rule->key_count; k++) {
            if (rule->keys[k].kind == KEY_ID &&
                records_pin(explanation->policy->records, rule->keys[k].name, &pin, NULL) == RECORDS_FAILED)
                return true;
        }
    }
    return client_lacks_store(&explanation->client);
}

static int print(const struct explanation *explanation, const struct wishes *wishes,
                 const struct program_found *program)
{
    if (!wishes->json)
        explain_print_text(explanation, program);
    else if (explain_print_json(explanation, program) != STATUS_DONE)
        return STATUS_SURROUNDINGS;
    if (lacks_store(explanation))
        return STATUS_SURROUNDINGS;
    return explanation->has_rule || explanation->client.led.rule != NULL ? STATUS_DONE : STATUS_NO;
}

static int explain(const struct policy_file *file, const struct domain *host, const struct wishes *wishes)
{
    const struct policy *policy = file->policy;
    struct explanation explanation;
    struct program_found program;
    section_find(policy, &wishes->program, &program);
    int status = STATUS_SURROUNDINGS;
    if (explanation_make(&explanation, policy, program.section, host, &file->crypto.ossl, time(NULL)))
        status = print(&explanation, wishes, &program);
    else
        message_error("policy explain: there is not enough memory; try again when there is more");
    explanation_free(&explanation);
    return status;
}

static int read_and_explain(struct policy_file *file, const struct domain *host, const struct wishes *wishes)
{
    file->asks_store = true;
    switch (policy_file_read(file)) {
    case POLICY_FILE_ABSENT:
        return STATUS_SURROUNDINGS;
    case POLICY_FILE_INVALID:
        return STATUS_USAGE;
    case POLICY_FILE_NO_LIBCRYPTO:
    case POLICY_FILE_UNRESOLVED:
    case POLICY_FILE_STORE_FAILED:
    case POLICY_FILE_READ:
        break;
    }
    if (file->no_libcrypto) {
        policy_file_say_no_libcrypto(file);
        return STATUS_SURROUNDINGS;
    }
    return explain(file, host, wishes);
}

/* A name or an address, or `*`. The port is 0 where none is given. */
static bool read_peer(const char *text, struct domain *peer)
{
    struct host host;
    char why[1024];
    *peer = (struct domain){.kind = DOMAIN_ALL};
    if (strcmp(text, "*") == 0)
        return true;
    if (!host_parse(text, &host, why, sizeof why)) {
        message_error("policy explain: '%s': %s", text, why);
        return false;
    }
    host.name[strcspn(host.name, "%")] = '\0'; /* no rule has the zone of a link-local address */
    domain_from_peer(host.name, peer);
    peer->port = host.port;
    return true;
}

static bool take(void *context, int option, const char *argument)
{
    struct wishes *wishes = context;
    if (option == 'j') {
        wishes->json = true;
        return true;
    }
    return section_take_program(&wishes->program, argument, "policy explain");
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {"program", required_argument, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    struct wishes wishes = {0};
    const char *given;
    struct operands operands = {.what = "HOST", .words = &given, .max = 1};
    struct domain host;
    int status;
    if (!command_line(invocation, options, take, &wishes, &operands, &status))
        return status;
    if (given == NULL) {
        message_error("policy explain: no HOST is given; see 'tlsgraft policy explain --help'");
        return STATUS_USAGE;
    }
    if (!read_peer(given, &host))
        return STATUS_USAGE;
    struct policy_file file;
    if (!policy_file_choose(&file, invocation->policy))
        return STATUS_SURROUNDINGS;
    status = read_and_explain(&file, &host, &wishes);
    policy_file_close(&file);
    return status;
}

const struct command command_policy_explain = {
    .name = "policy explain",
    .usage = "tlsgraft [--policy FILE] policy explain [--program PATH|NAME] HOST[:PORT] [--json]",
    .summary = "tell which rules apply to a server, and what they do",
    .help =
        "HOST: a name, an IPv4 address, [IPv6 address], or '*', a server of which nothing is known.\n"
        "No name is resolved and nothing is sent to HOST; the certificate store is asked for the records\n"
        "that rules name. Without :PORT the port counts as not known, as it is\n"
        "behind a proxy.\n"
        "\n"
        "  --program PATH|NAME  with a /: the path of the executable (of a script, what runs it is taken);\n"
        "                       else its base name, or what 'tlsgraft run --program NAME' says. One of each\n"
        "                       may be given, as both count at run time. Not given: the global rules alone\n"
        "  --json               print {host, port, program, pin_rule: {rule, mode, target, verify, pins},\n"
        "                       client_certificate: {rule, chosen, rejected: [{reference, reason}]}}\n"
        "\n"
        "The most specific rule applies, whole: nothing is taken over from others. Into a pipe it prints\n"
        "lines of KEY, tab, VALUE:\n"
        "\n"
        "  host, port, program  what was asked; the executable without symbolic links, then the NAME\n"
        "  section              of `programs`: its name and FILE:LINE, or none\n"
        "  rule                 FILE:LINE, the pattern that matches, and whether it is global; or none\n"
        "  other_rule           applies as well, with its own lines behind it: no port is given, and only\n"
        "                       rules for certain ports match\n"
        "  mode                 enforce, report or off, and whether the rule or the policy says so\n"
        "  target, verify, min_version, expires, after_expiry, ca_file, ca_path\n"
        "                       as the rule has them\n"
        "  pin                  sha256//..., and the key as written, an id for one\n"
        "  unresolved           a key that cannot be read, and why\n"
        "  unmatched, unnamed   without a rule: what the policy says of such servers\n"
        "  hidden_rule          matches too, and does not apply, for it is less specific\n"
        "  with_port            no port is given: would apply at the port of its pattern\n"
        "  note                 what else is to be known\n"
        "  outcome              what a handshake with such a server leads to\n"
        "  client_rule          the rule for client certificates, as rule; absent if there is none\n"
        "  client_mode, required, keep_program_certificate\n"
        "                       as that rule has them\n"
        "  chosen, rejected     its candidates: the one that a server gets which names no CA and accepts\n"
        "                       every kind of key, and the others, each with the reason\n"
        "  client_with_port     as with_port\n"
        "  client_outcome       what a server gets that asks for a certificate\n"
        "\n"
        "JSON has the same names, but hidden_rule; what does not apply is absent. section is {name, rule},\n"
        "with_port [{port, rule}], notes an array; program_name is the NAME beside a PATH. Those of a rule\n"
        "are in pin_rule, and in each of its other_rules: unresolved is an array of {key, reason}, and\n"
        "expired tells whether expires is past. Of several rules pin_rule is the one that events name, with\n"
        "the pins of all; ids is an array of {id, pin}, for keys that are named by an id. Those of a client\n"
        "rule are in client_certificate: mode, required, keep_program_certificate and outcome.\n"
        "\n"
        "A program that has another name verified than it sends is under the rules of both. One that sends\n"
        "no name may be under the rules of the address too. Of that, and of one that speaks through a\n"
        "proxy, less may be known in a handshake than is asked here: TLSGRAFT_LOG=info tells what was. No "
        "client\n"
        "certificate is shown for a name that is only guessed and not the only one for its address, nor by "
        "a\n"
        "rule for a port that is not known for sure.\n"
        "\n"
        "status: 0 there is a rule; 1 no rule; 2 wrong usage, or the policy is invalid; 3 no policy file, "
        "or\n"
        "the store did not answer for a key or a certificate of the rule\n"
        "\n"
        "example:\n"
        "  tlsgraft policy explain --program /usr/bin/curl api.example.com:443\n",
    .run = run,
};
