#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/lookup.h"
#include "cli/script.h"

/* How a file comes to be executed. */
enum caller {
    BY_EXECVP, /* what is neither ELF nor script goes to /bin/sh */
    BY_KERNEL, /* as the interpreter of a script: such a file is an error */
};

struct judging {
    const struct library *library;
    struct program *program;
    unsigned depth;
    char trail[REASON_SIZE]; /* "it is a script run by /usr/bin/env, then /bin/sh"; goes before the reason */
};

__attribute__((format(printf, 3, 4))) static void
conclude(struct judging *judging, enum program_outcome outcome, const char *format, ...)
{
    char text[REASON_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct program *program = judging->program;
    /* Cut off where it does not fit: hostile paths may be long. */
    const char *between = judging->trail[0] != '\0' ? ": " : "";
    int length = snprintf(program->reason, sizeof program->reason, "%s%s%s", judging->trail, between, text);
    if (length < 0)
        program->reason[0] = '\0';
    program->outcome = outcome;
}

static void judge_file(struct judging *judging, const char *path, enum caller caller);

static void conclude_binary(struct judging *judging, const struct binary *binary)
{
    static const enum program_outcome outcomes[] = {
        [BINARY_GOVERNABLE] = PROGRAM_GOVERNABLE,   [BINARY_STATIC] = PROGRAM_UNGOVERNABLE,
        [BINARY_UNGOVERNED] = PROGRAM_UNGOVERNABLE, [BINARY_UNLOADABLE] = PROGRAM_UNGOVERNABLE,
        [BINARY_BROKEN] = PROGRAM_UNGOVERNABLE,     [BINARY_LOADER_GONE] = PROGRAM_NOT_FOUND,
        [BINARY_UNDECIDED] = PROGRAM_UNDECIDED,
    };
    struct program *program = judging->program;
    program->needs = binary->needs;
    program->preloadable = binary->verdict == BINARY_GOVERNABLE || binary->verdict == BINARY_STATIC ||
                           binary->verdict == BINARY_UNGOVERNED;
    conclude(judging, outcomes[binary->verdict], "%s", binary->reason);
}

/* Adds to what goes before the reason. */
static void follow(struct judging *judging, const char *path)
{
    size_t used = strlen(judging->trail);
    snprintf(judging->trail + used, sizeof judging->trail - used, "%s%s",
             used == 0 ? "it is a script run by " : ", then ", path);
    judging->depth++;
}

static void conclude_lookup(struct judging *judging, enum lookup found, const char *name, int error)
{
    if (found == LOOKUP_MISSING)
        conclude(judging, PROGRAM_NOT_FOUND, "%s does not exist", name);
    else
        conclude(judging, PROGRAM_NOT_EXECUTABLE, "%s cannot be executed: %s", name, strerror(error));
}

/*
 * env runs between the script and its program: our LD_PRELOAD must survive it. A static one passes it on; for
 * any other what holds for a program holds for it, but for its own TLS.
 */
static bool env_passes(struct judging *judging, const char *path)
{
    struct binary binary;
    struct elf_facts facts;
    char fault[128];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        conclude(judging, PROGRAM_UNDECIDED, "it cannot be read: %s", strerror(errno));
        return false;
    }
    enum elf_outcome outcome = elf_read(fd, &facts, fault, sizeof fault);
    if (outcome == ELF_READ || outcome == ELF_BROKEN)
        binary_judge(path, fd, &facts, outcome == ELF_BROKEN ? fault : NULL, judging->library, &binary);
    close(fd);
    if (outcome != ELF_READ && outcome != ELF_BROKEN) {
        conclude(judging, PROGRAM_UNGOVERNABLE, "what it starts cannot be told");
        return false;
    }
    if (binary.verdict == BINARY_GOVERNABLE || binary.verdict == BINARY_STATIC)
        return true;
    conclude_binary(judging, &binary);
    return false;
}

/* Each env may start another one, with the words that are left. */
static void judge_env(struct judging *judging, const char *path, const char *argument)
{
    char found_path[PATH_MAX];
    struct env_words words;
    const char *why;
    int error;
    if (!env_passes(judging, path))
        return;
    bool clear = script_env(argument, &words, &why);
    while (clear) {
        const char *search_path = words.sets_path ? words.path : getenv("PATH");
        enum lookup found = lookup_program(words.program, search_path, found_path, sizeof found_path, &error);
        if (found != LOOKUP_FOUND) {
            conclude_lookup(judging, found, words.program, error);
            return;
        }
        follow(judging, found_path);
        if (!script_is_env(found_path)) {
            judge_file(judging, found_path, BY_EXECVP);
            return;
        }
        if (!env_passes(judging, found_path))
            return;
        clear = script_env_again(&words, &why);
    }
    conclude(judging, PROGRAM_UNGOVERNABLE, "%s", why);
}

static void judge_script(struct judging *judging, const struct script *script)
{
    int error;
    enum lookup found = lookup_file(script->interpreter, &error);
    follow(judging, script->interpreter);
    if (found != LOOKUP_FOUND)
        conclude_lookup(judging, found, script->interpreter, error);
    else if (script_is_env(script->interpreter))
        judge_env(judging, script->interpreter, script->argument);
    else
        judge_file(judging, script->interpreter, BY_KERNEL);
}

/* Neither ELF nor `#!`. */
static void judge_other(struct judging *judging, enum caller caller)
{
    static const char shell[] = "/bin/sh";
    int error;
    if (caller == BY_KERNEL) {
        conclude(judging, PROGRAM_NOT_EXECUTABLE, "it is no program: %s", strerror(ENOEXEC));
        return;
    }
    enum lookup found = lookup_file(shell, &error);
    follow(judging, shell);
    if (found != LOOKUP_FOUND)
        conclude_lookup(judging, found, shell, error);
    else
        judge_file(judging, shell, BY_KERNEL);
}

static void judge_opened(struct judging *judging, const char *path, int fd, enum caller caller)
{
    struct elf_facts facts;
    char fault[128];
    enum elf_outcome outcome = elf_read(fd, &facts, fault, sizeof fault);
    if (outcome == ELF_READ || outcome == ELF_BROKEN) {
        struct binary binary;
        binary_judge(path, fd, &facts, outcome == ELF_BROKEN ? fault : NULL, judging->library, &binary);
        conclude_binary(judging, &binary);
        return;
    }
    struct script script;
    enum script_outcome kind = outcome == ELF_FAILED ? SCRIPT_FAILED : script_read(fd, &script);
    if (kind == SCRIPT_FAILED)
        conclude(judging, PROGRAM_UNDECIDED, "it cannot be read: %s", strerror(errno));
    else if (kind == SCRIPT_READ)
        judge_script(judging, &script);
    else
        judge_other(judging, caller);
}

static void judge_file(struct judging *judging, const char *path, enum caller caller)
{
    if (judging->depth > SCRIPT_DEPTH_MAX) {
        conclude(judging, PROGRAM_NOT_EXECUTABLE, "too many scripts that are run by scripts");
        return;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        conclude(judging, PROGRAM_UNDECIDED, "it cannot be read: %s", strerror(errno));
        return;
    }
    judge_opened(judging, path, fd, caller);
    close(fd);
}

bool program_find(const char *name, struct program *program)
{
    int error;
    memset(program, 0, sizeof *program);
    enum lookup found = lookup_program(name, getenv("PATH"), program->path, sizeof program->path, &error);
    if (found == LOOKUP_FOUND)
        return true;
    program->path[0] = '\0';
    program->outcome = found == LOOKUP_MISSING ? PROGRAM_NOT_FOUND : PROGRAM_NOT_EXECUTABLE;
    const char *where =
        found == LOOKUP_MISSING && strchr(name, '/') == NULL ? " in the directories of PATH" : "";
    snprintf(program->reason, sizeof program->reason, "%s%s", strerror(error), where);
    return false;
}

void program_judge(const char *name, const struct library *library, struct program *program)
{
    if (!program_find(name, program))
        return;
    struct judging judging = {library, program, 0, ""};
    judge_file(&judging, program->path, BY_EXECVP);
}
