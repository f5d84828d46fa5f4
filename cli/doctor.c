/* `tlsgraft doctor PROGRAM`: can it be governed, and why. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/message.h"
#include "cli/program.h"

/* A name that is not UTF-8 cannot stand in JSON; it is escaped. */
static json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    if (value == NULL) {
        char escaped[REASON_SIZE];
        text_escape(escaped, sizeof escaped, text);
        value = json_string(escaped);
    }
    return value;
}

static int print_json(const struct program *program)
{
    json_t *libraries = json_array();
    for (size_t i = 0; i < program->needs.count; i++)
        json_array_append_new(libraries, json_text(program->needs.names[i]));
    json_t *answer = json_object();
    bool complete = json_object_set_new(answer, "program", json_text(program->path)) == 0 &&
                    json_object_set_new(answer, "governable",
                                        json_boolean(program->outcome == PROGRAM_GOVERNABLE)) == 0 &&
                    json_object_set_new(answer, "reason", json_text(program->reason)) == 0 &&
                    json_object_set_new(answer, "libraries", libraries) == 0;
    complete = complete && json_dumpf(answer, stdout, JSON_PRESERVE_ORDER | JSON_INDENT(2)) == 0;
    json_decref(answer);
    putchar('\n');
    if (complete)
        return STATUS_DONE;
    message_error("doctor: the answer could not be written; see where the output goes to");
    return STATUS_SURROUNDINGS;
}

/* Program, yes or no, reason, libraries: a line with tabs for a pipe, lines with names for a reader. */
static void print_text(const struct program *program)
{
    bool reader = isatty(STDOUT_FILENO) == 1;
    const char *answer = program->outcome == PROGRAM_GOVERNABLE ? "yes" : "no";
    fputs(reader ? "program:    " : "", stdout);
    text_print(stdout, program->path);
    printf(reader ? "\ngovernable: %s\nreason:     " : "\t%s\t", answer);
    text_print(stdout, program->reason);
    fputs(reader ? "\nlibraries:  " : "\t", stdout);
    for (size_t i = 0; i < program->needs.count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        text_print(stdout, program->needs.names[i]);
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

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    bool json = false;
    const char *name = NULL;
    int option;
    /* Options may also follow PROGRAM, as in the usage. */
    do {
        while ((option = command_option(invocation, options)) != -1) {
            if (option != 'j')
                return option == 'h' ? STATUS_DONE : STATUS_USAGE;
            json = true;
        }
        if (optind >= invocation->argc)
            break;
        if (name != NULL) {
            message_error("doctor: more than one PROGRAM; see 'tlsgraft doctor --help'");
            return STATUS_USAGE;
        }
        name = invocation->argv[optind++];
    } while (true);
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
