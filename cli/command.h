/*
 * What the commands of `tlsgraft` have in common. A command is one file with one `struct command` and one
 * row in main.c.
 */
#ifndef TLSGRAFT_COMMAND_H
#define TLSGRAFT_COMMAND_H

#include <stdbool.h>

/* Exit statuses. Those from 125 on belong to `run`, and mean what they mean for env(1). */
enum status {
    STATUS_DONE = 0,
    STATUS_NO = 1,
    STATUS_USAGE = 2, /* wrong usage, an invalid policy, unacceptable input */
    STATUS_SURROUNDINGS = 3,
    STATUS_REFUSED = 125,
    STATUS_NOT_EXECUTABLE = 126,
    STATUS_NOT_FOUND = 127,
};

struct command;

/* What a command is called with. */
struct invocation {
    const struct command *command;
    const char *policy; /* of --policy before the command; NULL: not given */
    int argc;
    char **argv; /* argv[0] is the last word of the command's name; ends with NULL */
};

struct command {
    const char *name; /* one word, or two: "policy check" */
    const char *usage;
    const char *summary; /* what it does, short enough for the list of commands */
    const char *help;    /* the options and an example, for --help */
    int (*run)(const struct invocation *invocation);
};

extern const struct command command_cert_add;
extern const struct command command_cert_delete;
extern const struct command command_cert_list;
extern const struct command command_cert_show;
extern const struct command command_cert_usage;
extern const struct command command_doctor;
extern const struct command command_events;
extern const struct command command_pin;
extern const struct command command_policy_check;
extern const struct command command_policy_explain;
extern const struct command command_run;

struct option;

/*
 * The next option, as getopt_long(3), which stops at the first operand. -1: no more; `optind` stands at the
 * first operand. 'h': --help was given, and the help is printed. '?': wrong usage, and it has been told.
 */
int command_option(const struct invocation *invocation, const struct option *options);

/*
 * The whole command line of a command whose options may also stand behind its operands. `take` (NULL: there
 * are only the options that command_option() handles) is called for each option with getopt's letter and
 * argument (NULL: none), and says whether it is acceptable; if not, it has told the user. At most `max`
 * operands are taken; a missing one is NULL. True: go on. False: the command ends now with `*status`, and the
 * user has been told.
 */
struct operands {
    const char *what;   /* their name in an error: "PROGRAM" */
    const char **words; /* of the caller; filled with those that are given, then NULL */
    int max;            /* 0: the command takes none */
    int count;          /* of those that are given */
};
bool command_line(const struct invocation *invocation, const struct option *options,
                  bool (*take)(void *context, int option, const char *argument), void *context,
                  struct operands *operands, int *status);

/* Prints the help of a command to stdout. */
void command_help(const struct command *command);

#endif
