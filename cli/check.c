/* `tlsgraft policy check`: reads the policy as the library would, and resolves what it refers to. */
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "cli/command.h"
#include "cli/event_place.h"
#include "cli/message.h"
#include "cli/policy_file.h"
#include "cli/warnings.h"
#include "policy/text.h"

static void print_numbers(const struct policy_file *file)
{
    const struct policy *policy = file->policy;
    size_t keys = 0;
    for (size_t i = 0; i < policy->pin_rule_count; i++)
        keys += policy->pin_rules[i]->key_count;
    size_t rules = policy->pin_rule_count + policy->upstream_rule_count;
    size_t candidates = policy->candidate_count;
    text_print(stdout, file->path);
    printf(": %zu rule%s, %zu key%s", rules, rules == 1 ? "" : "s", keys, keys == 1 ? "" : "s");
    if (candidates > 0)
        printf(", %zu client certificate%s", candidates, candidates == 1 ? "" : "s");
    putchar('\n');
}

static int check(struct policy_file *file)
{
    switch (policy_file_read(file)) {
    case POLICY_FILE_READ:
        warnings_tell(file, time(NULL));
        event_place_check(file->policy);
        print_numbers(file);
        return STATUS_DONE;
    case POLICY_FILE_NO_LIBCRYPTO:
        policy_file_say_no_libcrypto(file);
        return STATUS_SURROUNDINGS;
    case POLICY_FILE_STORE_FAILED:
    case POLICY_FILE_ABSENT:
        return STATUS_SURROUNDINGS;
    case POLICY_FILE_UNRESOLVED:
    case POLICY_FILE_INVALID:
        break;
    }
    return STATUS_USAGE;
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *given;
    struct operands operands = {.what = "FILE", .words = &given, .max = 1};
    int status;
    if (!command_line(invocation, options, NULL, NULL, &operands, &status))
        return status;
    if (given == NULL)
        given = invocation->policy;
    if (given != NULL && given[0] == '\0') {
        message_error("policy check: FILE is empty; give the path of a policy file");
        return STATUS_USAGE;
    }
    struct policy_file file;
    if (!policy_file_choose(&file, given))
        return STATUS_SURROUNDINGS;
    file.strict = true;
    file.asks_store = true;
    status = check(&file);
    policy_file_close(&file);
    return status;
}

const struct command command_policy_check = {
    .name = "policy check",
    .usage = "tlsgraft [--policy FILE] policy check [FILE]",
    .summary = "read a policy, and say what is wrong with it",
    .help =
        "Reads the policy and everything that it refers to, records of the certificate store too. Errors\n"
        "and warnings go to stderr; when all is well, the numbers of rules, keys and client certificates go "
        "to stdout. Warnings do not change the "
        "status: a\n"
        "rule with one key only, `expires`, a pinned certificate or a client certificate that ends within\n"
        "warning_threshold_days (30) or has ended, a client certificate that is not valid yet or that "
        "OpenSSL\n"
        "may refuse as weak, a private key that others can read, settings without effect, a file or a Redis\n"
        "stream that takes no events, a state_directory that this user cannot use.\n"
        "\n"
        "FILE: the policy; else that of --policy, else TLSGRAFT_POLICY, else /etc/tlsgraft/policy.cfg\n"
        "\n"
        "status: 0 valid; 2 invalid, or a key, file, record or client certificate that it names cannot be "
        "used; 3 there is no "
        "policy\n"
        "file, or the store could not be asked\n"
        "\n"
        "example:\n"
        "  tlsgraft policy check /etc/tlsgraft/policy.cfg\n",
    .run = run,
};
