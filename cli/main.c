/* The command `tlsgraft`: finds the command that is meant, and hands the rest of the words to it. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/message.h"

static const struct command *const commands[] = {
    &command_run,        &command_policy_check, &command_policy_explain, &command_pin,
    &command_cert_add,   &command_cert_show,    &command_cert_list,      &command_cert_delete,
    &command_cert_usage, &command_doctor,       &command_events,
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_overview(void)
{
    puts("tlsgraft " TLSGRAFT_VERSION ": a TLS policy for programs that cannot be changed\n"
         "\n"
         "usage: tlsgraft [--policy FILE] COMMAND ...\n"
         "\n"
         "commands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-14s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n"
         "options:\n"
         "  --policy FILE  the policy, else TLSGRAFT_POLICY, else /etc/tlsgraft/policy.cfg\n"
         "  --version      print the version\n"
         "  --help         print this; after COMMAND: its help, with an example\n"
         "\n"
         "example:\n"
         "  tlsgraft run --policy ./policy.cfg -- curl https://example.com/");
}

void command_help(const struct command *command)
{
    printf("usage: %s\n\n%s", command->usage, command->help);
}

/* `--policy` or `--policy=FILE`. */
static bool is_policy_option(const char *word)
{
    static const char option[] = "--policy";
    size_t length = sizeof option - 1;
    return strncmp(word, option, length) == 0 && (word[length] == '\0' || word[length] == '=');
}

int command_option(const struct invocation *invocation, const struct option *options)
{
    const char *name = invocation->command->name;
    opterr = 0;
    int option = getopt_long(invocation->argc, invocation->argv, "+:h", options, NULL);
    if (option == 'h') {
        command_help(invocation->command);
    } else if (option == '?' && is_policy_option(invocation->argv[optind - 1])) {
        message_error("%s: --policy goes before the command; write 'tlsgraft --policy FILE %s ...'", name,
                      name);
    } else if (option == ':' || option == '?') {
        const char *word = invocation->argv[optind - 1];
        const char *why = option == ':' ? "needs an argument" : "is no option of this command";
        message_error("%s: '%s' %s; see 'tlsgraft %s --help'", name, word, why, name);
        option = '?';
    }
    return option;
}

/* As command_option(); `*ended` becomes true where a `--` says that all that follows are operands. */
static int next_option(const struct invocation *invocation, const struct option *options, bool *ended)
{
    int before = optind;
    if (*ended)
        return -1;
    int option = command_option(invocation, options);
    /* A `--` that is the argument of an option was taken with it, in an earlier call. */
    *ended = option == -1 && optind > before && strcmp(invocation->argv[optind - 1], "--") == 0;
    return option;
}

bool command_line(const struct invocation *invocation, const struct option *options,
                  bool (*take)(void *context, int option, const char *argument), void *context,
                  struct operands *operands, int *status)
{
    const char *name = invocation->command->name;
    bool ended = false;
    operands->count = 0;
    for (int i = 0; i < operands->max; i++)
        operands->words[i] = NULL;
    *status = STATUS_USAGE;
    while (true) {
        int option;
        while ((option = next_option(invocation, options, &ended)) != -1) {
            if (option == 'h')
                *status = STATUS_DONE;
            if (option == 'h' || option == '?' || take == NULL || !take(context, option, optarg))
                return false;
        }
        if (optind >= invocation->argc)
            return true;
        if (operands->count == operands->max) {
            if (operands->max == 0)
                message_error("%s: '%s' is too much; see 'tlsgraft %s --help'", name,
                              invocation->argv[optind], name);
            else
                message_error("%s: more than one %s; see 'tlsgraft %s --help'", name, operands->what, name);
            return false;
        }
        operands->words[operands->count++] = invocation->argv[optind++];
    }
}

/* How many words at the start of `argv` are the name of `command`; 0: it is another. */
static int words_of_name(const struct command *command, int argc, char **argv)
{
    const char *name = command->name;
    int words = 0;
    while (*name != '\0') {
        size_t length = strcspn(name, " ");
        if (words >= argc || strlen(argv[words]) != length || strncmp(argv[words], name, length) != 0)
            return 0;
        words++;
        name += length;
        name += *name == ' ';
    }
    return words;
}

/* `tlsgraft policy`: the first word of commands, but of which one? */
static bool is_first_word(const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strncmp(commands[i]->name, word, length) == 0 && commands[i]->name[length] == ' ')
            return true;
    }
    return false;
}

static int dispatch(const char *policy, int argc, char **argv)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        int words = words_of_name(commands[i], argc, argv);
        if (words == 0)
            continue;
        struct invocation invocation = {commands[i], policy, argc - words + 1, argv + words - 1};
        optind = 0; /* glibc: start over, with another list of words */
        return commands[i]->run(&invocation);
    }
    if (is_first_word(argv[0])) {
        bool more = argc > 1;
        message_error("%s%s%s: there is no such command; see 'tlsgraft --help'", argv[0], more ? " " : "",
                      more ? argv[1] : "");
    } else {
        message_error("'%s': there is no such command; see 'tlsgraft --help'", argv[0]);
    }
    return STATUS_USAGE;
}

/* What a full disk or a closed pipe swallowed must not pass for an answer. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    message_error("stdout: the output could not be written; see where it goes to");
    return status == STATUS_DONE || status == STATUS_NO ? STATUS_SURROUNDINGS : status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"policy", required_argument, NULL, 'p'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    const char *policy = NULL;
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            print_overview();
            return finish(STATUS_DONE);
        case 'V':
            puts("tlsgraft " TLSGRAFT_VERSION);
            return finish(STATUS_DONE);
        case 'p':
            policy = optarg;
            break;
        default:
            message_error("'%s' %s; see 'tlsgraft --help'", argv[optind - 1],
                          option == ':' ? "needs an argument" : "is no option of tlsgraft");
            return STATUS_USAGE;
        }
    }
    if (optind >= argc && policy != NULL) {
        message_error("no command: --policy alone does nothing; see 'tlsgraft --help'");
        return STATUS_USAGE;
    }
    if (optind >= argc) {
        print_overview();
        return finish(STATUS_DONE);
    }
    return finish(dispatch(policy, argc - optind, argv + optind));
}
