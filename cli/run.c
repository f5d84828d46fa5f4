/* `tlsgraft run`: starts a program under the policy, or says why that would not protect it. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/message.h"
#include "cli/policy_file.h"
#include "cli/program.h"

struct wishes {
    const char *policy;  /* NULL: not given */
    const char *program; /* --program; NULL: not given */
    bool allow_ungoverned;
    char **words; /* PROGRAM [ARG...], ends with NULL */
};

/* An unresolved key is a warning here, and no libcrypto is none of our business: the program brings its own.
 */
static bool policy_holds(struct policy_file *file)
{
    enum policy_file_outcome outcome = policy_file_read(file);
    policy_file_close(file);
    return outcome != POLICY_FILE_INVALID && outcome != POLICY_FILE_ABSENT;
}

static bool set_variable(const char *name, const char *value)
{
    if (setenv(name, value, 1) == 0)
        return true;
    message_error("%s: it cannot be set: %s; free some memory", name, strerror(errno));
    return false;
}

static int start(const struct program *program, char **words)
{
    /* The path that was judged, so that nothing else is found now. A script without #! still goes to sh. */
    fflush(stdout);
    execvp(program->path, words);
    int error = errno;
    message_error("%s: cannot be executed: %s; see 'tlsgraft doctor %s'", words[0], strerror(error),
                  words[0]);
    return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

/* STATUS_DONE: go on. */
static int judge(const struct wishes *wishes, const struct library *library, struct program *program)
{
    const char *name = wishes->words[0];
    program_judge(name, library, program);
    switch (program->outcome) {
    case PROGRAM_GOVERNABLE:
        return STATUS_DONE;
    case PROGRAM_NOT_FOUND:
        message_error("%s: not found: %s; give the path of a program that is there", name, program->reason);
        return STATUS_NOT_FOUND;
    case PROGRAM_NOT_EXECUTABLE:
        message_error("%s: cannot be executed: %s; give the path of a program", name, program->reason);
        return STATUS_NOT_EXECUTABLE;
    case PROGRAM_UNGOVERNABLE:
    case PROGRAM_UNDECIDED:
        break;
    }
    if (wishes->allow_ungoverned) {
        message_warning("%s: it is started, and it is not governed: %s", name, program->reason);
        return STATUS_DONE;
    }
    message_error(
        "%s: not started, as it cannot be governed: %s; to start it all the same, use --allow-ungoverned",
        name, program->reason);
    return STATUS_REFUSED;
}

/* STATUS_DONE: `program` may be started, and `library` is open where `*loads`. */
static int prepare(const struct wishes *wishes, struct library *library, struct program *program, bool *loads)
{
    char why[PATH_MAX + 256];
    *loads = library_open(library, getenv("LD_PRELOAD"), why, sizeof why);
    /* Without our library the lookup still decides first: 127 and 126 are about the program. */
    if (*loads || !program_find(wishes->words[0], program)) {
        int status = judge(wishes, library, program);
        *loads = *loads && (program->outcome == PROGRAM_GOVERNABLE || program->preloadable);
        return status;
    }
    if (wishes->allow_ungoverned) {
        message_warning("%s: it is started, and it is not governed: libtlsgraft.so: %s", wishes->words[0],
                        why);
        return STATUS_DONE;
    }
    message_error("libtlsgraft.so: %s; install tlsgraft whole", why);
    return STATUS_REFUSED;
}

static int run_program(const struct wishes *wishes)
{
    struct policy_file file;
    if (!policy_file_choose(&file, wishes->policy) || !policy_holds(&file))
        return STATUS_REFUSED;
    struct library library;
    struct program program;
    bool loads;
    int status = prepare(wishes, &library, &program, &loads);
    bool set = status == STATUS_DONE && set_variable("TLSGRAFT_POLICY", file.path) &&
               (wishes->program == NULL || set_variable("TLSGRAFT_PROGRAM", wishes->program)) &&
               (!loads || set_variable("LD_PRELOAD", library.preload));
    library_close(&library);
    if (status != STATUS_DONE)
        return status;
    return set ? start(&program, wishes->words) : STATUS_REFUSED;
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"allow-ungoverned", no_argument, NULL, 'u'},
        {"help", no_argument, NULL, 'h'},
        {"policy", required_argument, NULL, 'p'},
        {"program", required_argument, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    struct wishes wishes = {.policy = invocation->policy};
    int option;
    while ((option = command_option(invocation, options)) != -1) {
        if (option == 'u')
            wishes.allow_ungoverned = true;
        else if (option == 'p')
            wishes.policy = optarg;
        else if (option == 'n')
            wishes.program = optarg;
        else
            return option == 'h' ? STATUS_DONE : STATUS_REFUSED;
    }
    wishes.words = invocation->argv + optind;
    if (wishes.words[0] == NULL) {
        message_error("run: no PROGRAM is given; see 'tlsgraft run --help'");
        return STATUS_REFUSED;
    }
    if ((wishes.policy != NULL && wishes.policy[0] == '\0') ||
        (wishes.program != NULL && wishes.program[0] == '\0')) {
        message_error("run: the argument of an option is empty; see 'tlsgraft run --help'");
        return STATUS_REFUSED;
    }
    if (wishes.program != NULL && strchr(wishes.program, '/') != NULL) {
        message_error("run: --program '%s': it has a /, and is compared with the patterns that have none; "
                      "give a NAME without /, or leave it out: a pattern with a / is compared with the path "
                      "of the executable (see 'tlsgraft run --help')",
                      wishes.program);
        return STATUS_REFUSED;
    }
    return run_program(&wishes);
}

const struct command command_run = {
    .name = "run",
    .usage = "tlsgraft run [--policy FILE] [--program NAME] [--allow-ungoverned] [--] PROGRAM [ARG...]",
    .summary = "start a program under the policy",
    .help =
        "Reads the policy, proves that the library loads into PROGRAM, and executes it with LD_PRELOAD set; "
        "one\n"
        "that is set already is kept, after ours. Do not use /etc/ld.so.preload: that is not supported.\n"
        "\n"
        "  --policy FILE       the policy, else TLSGRAFT_POLICY, else /etc/tlsgraft/policy.cfg\n"
        "  --program NAME      the name by which the policy knows the program, for scripts "
        "(TLSGRAFT_PROGRAM);\n"
        "                      it has no /, as the patterns of `match` that it is compared with\n"
        "  --allow-ungoverned  start also what cannot be governed, with a warning\n"
        "\n"
        "status: 125 the policy is invalid or PROGRAM cannot be governed; 126 it cannot be executed; 127 it\n"
        "is not found; else the program's own\n"
        "\n"
        "example:\n"
        "  tlsgraft run --policy ./policy.cfg -- curl https://example.com/\n",
    .run = run,
};
