/* `tlsgraft doctor`: can a program be governed, is a process, and why. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/process.h"
#include "cli/program.h"

struct wishes {
    const char *program; /* one of both; the other is NULL */
    const char *pid;
    bool json;
};

static json_t *libraries_of(const struct needs *needs)
{
    json_t *libraries = json_array();
    for (size_t i = 0; i < needs->count; i++)
        json_array_append_new(libraries, output_text(needs->at[i].name));
    return libraries;
}

/* NULL, which json_pack() leaves out, for what does not apply. */
static json_t *text_or_none(const char *text)
{
    return text[0] != '\0' ? output_text(text) : NULL;
}

/*
 * What is printed is a row of fields: with tabs between into a pipe, for a reader each on a line after its
 * name. The first has no tab before it.
 */
static void print_field(const char *name, const char *text)
{
    if (output_is_to_reader())
        printf("%-12s", name);
    text_print(stdout, text);
}

static void print_next(const char *name, const char *text)
{
    putchar(output_is_to_reader() ? '\n' : '\t');
    print_field(name, text);
}

/* The last field. */
static void print_libraries(const struct needs *needs)
{
    print_next("libraries:", "");
    for (size_t i = 0; i < needs->count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        text_print(stdout, needs->at[i].name);
    }
    putchar('\n');
}

static int print_program(const struct program *program, bool json)
{
    bool governable = program->outcome == PROGRAM_GOVERNABLE;
    if (json)
        return output_json("doctor",
                           json_pack("{s:o, s:b, s:o, s:o}", "program", output_text(program->path),
                                     "governable", governable, "reason", output_text(program->reason),
                                     "libraries", libraries_of(&program->needs)));
    print_field("program:", program->path);
    print_next("governable:", governable ? "yes" : "no");
    print_next("reason:", program->reason);
    print_libraries(&program->needs);
    return STATUS_DONE;
}

static int print_process(pid_t pid, const struct process *process, bool json)
{
    bool loaded = process->outcome == PROCESS_LOADED;
    if (json)
        return output_json("doctor",
                           json_pack("{s:i, s:o*, s:b, s:o*, s:o, s:o}", "pid", (int)pid, "program",
                                     text_or_none(process->program), "loaded", loaded, "policy",
                                     text_or_none(process->policy), "reason", output_text(process->reason),
                                     "libraries", libraries_of(&process->needs)));
    char number[16];
    snprintf(number, sizeof number, "%d", (int)pid);
    print_field("pid:", number);
    print_next("program:", process->program);
    print_next("loaded:", loaded ? "yes" : "no");
    print_next("policy:", process->policy);
    print_next("reason:", process->reason);
    print_libraries(&process->needs);
    return STATUS_DONE;
}

static int answer_program(const char *name, const struct library *library, bool json)
{
    struct program program;
    program_judge(name, library, &program);
    if (program.outcome != PROGRAM_GOVERNABLE && program.outcome != PROGRAM_UNGOVERNABLE) {
        message_error("%s: %s; name a program that can be started and read", name, program.reason);
        return STATUS_SURROUNDINGS;
    }
    if (print_program(&program, json) != STATUS_DONE)
        return STATUS_SURROUNDINGS;
    return program.outcome == PROGRAM_GOVERNABLE ? STATUS_DONE : STATUS_NO;
}

static int answer_process(pid_t pid, const struct library *library, bool json)
{
    struct process process;
    process_judge(pid, library, &process);
    if (process.outcome == PROCESS_UNKNOWN) {
        message_error("--pid %d: %s", (int)pid, process.reason);
        return STATUS_SURROUNDINGS;
    }
    if (print_process(pid, &process, json) != STATUS_DONE)
        return STATUS_SURROUNDINGS;
    return process.outcome == PROCESS_LOADED ? STATUS_DONE : STATUS_NO;
}

/* 0: it is no number of a process. */
static pid_t read_pid(const char *text)
{
    char *end;
    errno = 0;
    long pid = strtol(text, &end, 10);
    bool valid = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && pid <= INT_MAX;
    return valid ? (pid_t)pid : 0;
}

static int answer(const struct wishes *wishes)
{
    pid_t pid = wishes->pid != NULL ? read_pid(wishes->pid) : 0;
    if (wishes->pid != NULL && pid == 0) {
        message_error("--pid: '%s' is no number of a process; give one that ps -e lists", wishes->pid);
        return STATUS_USAGE;
    }
    struct library library;
    struct program program;
    char why[PATH_MAX + 256];
    int status = STATUS_SURROUNDINGS;
    /* Without our library the lookup still decides first. */
    if (wishes->program != NULL && !program_find(wishes->program, &program)) {
        message_error("%s: %s; name a program that can be started and read", wishes->program, program.reason);
        return status;
    }
    if (!library_open(&library, NULL, why, sizeof why))
        message_error("libtlsgraft.so: %s; install tlsgraft whole", why);
    else if (wishes->pid != NULL)
        status = answer_process(pid, &library, wishes->json);
    else
        status = answer_program(wishes->program, &library, wishes->json);
    library_close(&library);
    return status;
}

static bool take(void *context, int option, const char *argument)
{
    struct wishes *wishes = context;
    if (option == 'p')
        wishes->pid = argument;
    else
        wishes->json = true;
    return true;
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {"pid", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    struct wishes wishes = {.json = false};
    struct operands operands = {.what = "PROGRAM", .words = &wishes.program, .max = 1};
    int status;
    if (!command_line(invocation, options, take, &wishes, &operands, &status))
        return status;
    if ((wishes.program == NULL) == (wishes.pid == NULL)) {
        message_error("doctor: %s; see 'tlsgraft doctor --help'", wishes.pid == NULL
                                                                      ? "no PROGRAM and no --pid is given"
                                                                      : "both a PROGRAM and --pid are given");
        return STATUS_USAGE;
    }
    return answer(&wishes);
}

const struct command command_doctor = {
    .name = "doctor",
    .usage = "tlsgraft doctor PROGRAM | --pid N [--json]",
    .summary = "tell whether a program can be governed, and why",
    .help =
        "PROGRAM is looked up as a shell does; of a script, the program that runs it is judged. Its "
        "loader is\n"
        "asked to list what it would load; the program itself is not run. Of a running process it is told\n"
        "whether the library is loaded there, and which policy it was started with.\n"
        "\n"
        "  --pid N  the process N, in the place of a PROGRAM\n"
        "  --json   print {program, governable, reason, libraries}, of a process\n"
        "           {pid, program, loaded, policy, reason, libraries}\n"
        "\n"
        "Into a pipe it prints one line with tabs between: program, yes or no, reason, TLS libraries; of a\n"
        "process: its number, program, yes or no, policy, reason, TLS libraries.\n"
        "\n"
        "status: 0 yes; 1 no; 2 wrong usage; 3 not found, or it cannot be read\n"
        "\n"
        "example:\n"
        "  tlsgraft doctor curl\n"
        "  tlsgraft doctor --pid 4711\n",
    .run = run,
};
