#include "cli/section.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/interpreter.h"
#include "cli/message.h"

bool section_take_program(struct program_asked *asked, const char *argument, const char *command)
{
    bool is_path = strchr(argument, '/') != NULL;
    const char **place = is_path ? &asked->path : &asked->name;
    if (argument[0] == '\0') {
        message_error("%s: --program: empty; give the path of a program, or the NAME of 'tlsgraft run "
                      "--program NAME'",
                      command);
        return false;
    }
    if (*place != NULL) {
        message_error(
            "%s: --program: '%s' and '%s' are both %s; give one PATH (with a /), one NAME, or one of "
            "each",
            command, *place, argument, is_path ? "paths" : "names");
        return false;
    }
    *place = argument;
    return true;
}

/* The path that the kernel tells of a program; false: it cannot be told. */
static bool find_executable(const char *given, char path[PATH_MAX])
{
    char real[PATH_MAX];
    char why[INTERPRETER_WHY_SIZE];
    if (realpath(given, real) == NULL) {
        message_warning("--program: %s: %s; its path is compared as it is written", given, strerror(errno));
        return snprintf(path, PATH_MAX, "%s", given) < PATH_MAX;
    }
    if (!interpreter_find(real, path, why)) {
        message_warning(
            "--program: %s is a script, and what runs it is not known: %s; no section is found by "
            "its path: give the path of its interpreter, or the NAME of 'tlsgraft run --program "
            "NAME'",
            real, why);
        return false;
    }
    if (strcmp(real, path) != 0)
        message_warning("--program: %s is a script, and runs as its interpreter: give the path of that (%s "
                        "is judged), and the NAME of 'tlsgraft run --program NAME' where there is one",
                        real, path);
    return true;
}

/* Which sections could come first, if the executable were known? */
static void find_perhaps(const struct policy *policy, struct program_found *found)
{
    for (size_t i = 0; i < policy->section_count && &policy->sections[i] != found->section; i++) {
        if (found->perhaps == NULL)
            found->perhaps = &policy->sections[i];
        else
            found->more++;
    }
}

void section_find(const struct policy *policy, const struct program_asked *asked, struct program_found *found)
{
    *found = (struct program_found){.program = asked->path != NULL ? asked->path : asked->name};
    const char *executable = NULL;
    if (asked->path != NULL && find_executable(asked->path, found->path)) {
        executable = found->path;
        found->program = found->path;
    }
    if (asked->path != NULL)
        found->name = asked->name;
    found->section = policy_section(policy, executable, asked->name);
    if (executable == NULL && asked->name != NULL)
        find_perhaps(policy, found);
}

void section_note(const struct program_found *found, char note[SECTION_NOTE_SIZE])
{
    const struct section *perhaps = found->perhaps;
    bool is_before = found->section != NULL;
    char which[128];
    if (found->more == 0)
        snprintf(which, sizeof which, ", which %s", is_before ? "comes before" : "would then count");
    else
        snprintf(which, sizeof which, " or another of the %zu sections %s", found->more + 1,
                 is_before ? "that come before" : "there are, of which the first would then count");
    snprintf(note, SECTION_NOTE_SIZE,
             "the executable is not known, and may match the section %.200s (%.4096s:%u)%s; give its path as "
             "well, --program PATH --program NAME",
             perhaps->name, perhaps->source.file, perhaps->source.line, which);
}
