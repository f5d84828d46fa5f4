/* `tlsgraft doctor PROGRAM`: can it be governed, and why. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/program.h"

static int print_json(const struct program *program)
{
    json_t *libraries = json_array();
    for (size_t i = 0; i < program->needs.count; i++)
        json_array_append_new(libraries, output_text(program->needs.at[i].name));
    return output_json("doctor", json_pack("{s:o, s:b, s:o, s:o}", "program", output_text(program->path),
                                           "governable", program->outcome == PROGRAM_GOVERNABLE, "reason",
                                           output_text(program->reason), "libraries", libraries));
}

/* Program, yes or no, reason, libraries: a line with tabs for a pipe, lines with names for a reader. */
static void print_text(const struct program *program)
{
    bool reader = output_is_to_reader();
    const char *answer = program->outcome == PROGRAM_GOVERNABLE ? "yes" : "no";
    fputs(reader ? "program:    " : "", stdout);
    text_print(stdout, program->path);
    printf(reader ? "\ngovernable: %s\nreason:     " : "\t%s\t", answer);
    text_print(stdout, program->reason);
    fputs(reader ? "\nlibraries:  " : "\t", stdout);
    for (size_t i = 0; i < program->needs.count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        text_print(stdout, program->needs.at[i].name);
    }
    putchar('\n');
}

static int answer(const char *name, bool json)
{
    struct program program;
    if (program_find(name, &program)) {
        struct library library;
        char why[PATH_MAX + 256];
        if (!library_open(&library, NULL, why, sizeof why)) {
            message_error("libtlsgraft.so: %s; install tlsgraft whole", why);
            library_close(&library);
            return STATUS_SURROUNDINGS;
        }
        program_judge(name, &library, &program);
        library_close(&library);
    }
    if (program.outcome != PROGRAM_GOVERNABLE && program.outcome != PROGRAM_UNGOVERNABLE) {
        message_error("%s: %s; name a program that can be started and read", name, program.reason);
        return STATUS_SURROUNDINGS;
    }
    if (!json)
        print_text(&program);
    else if (print_json(&program) != STATUS_DONE)
        return STATUS_SURROUNDINGS;
    return program.outcome == PROGRAM_GOVERNABLE ? STATUS_DONE : STATUS_NO;
}

static bool take(void *context, int option, const char *argument)
{
    bool *json = context;
    (void)option;
    (void)argument;
    *json = true;
    return true;
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    bool json = false;
    const char *name;
    struct operands operands = {.what = "PROGRAM", .words = &name, .max = 1};
    int status;
    if (!command_line(invocation, options, take, &json, &operands, &status))
        return status;
    if (name == NULL) {
        message_error("doctor: no PROGRAM is given; see 'tlsgraft doctor --help'");
        return STATUS_USAGE;
    }
    return answer(name, json);
}

const struct command command_doctor = {
    .name = "doctor",
    .usage = "tlsgraft doctor PROGRAM [--json]",
    .summary = "tell whether a program can be governed, and why",
    .help = "PROGRAM is looked up as a shell does; of a script, the program that runs it is judged. Its "
            "loader is\n"
            "asked to list what it would load; the program itself is not run.\n"
            "\n"
            "  --json  print {program, governable, reason, libraries}\n"
            "\n"
            "Into a pipe it prints one line: program, yes or no, reason, TLS libraries; with tabs between.\n"
            "\n"
            "status: 0 yes; 1 no; 2 wrong usage; 3 not found, or it cannot be read\n"
            "\n"
            "example:\n"
            "  tlsgraft doctor curl\n",
    .run = run,
};
