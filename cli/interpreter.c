#include "cli/interpreter.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/lookup.h"
#include "cli/script.h"

enum step { STEP_ARRIVED, STEP_FOLLOW, STEP_UNKNOWN };

/* `next` receives the file that runs `path`, where that is a script. */
static enum step follow_env(const struct script *script, char next[PATH_MAX], char why[INTERPRETER_WHY_SIZE])
{
    struct env_words words;
    const char *fault;
    int error;
    if (!script_env(script->argument, &words, &fault)) {
        snprintf(why, INTERPRETER_WHY_SIZE, "%s", fault);
        return STEP_UNKNOWN;
    }
    const char *search_path = words.sets_path ? words.path : getenv("PATH");
    if (lookup_program(words.program, search_path, next, PATH_MAX, &error) == LOOKUP_FOUND)
        return STEP_FOLLOW;
    snprintf(why, INTERPRETER_WHY_SIZE, "%s: %s", words.program, strerror(error));
    return STEP_UNKNOWN;
}

static bool is_elf(int fd)
{
    char magic[SELFMAG];
    return pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static enum step follow(const char *path, char next[PATH_MAX], char why[INTERPRETER_WHY_SIZE])
{
    struct script script;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    /* A script that cannot be read cannot be run either, but another executable can. */
    if (fd < 0)
        return STEP_ARRIVED;
    enum script_outcome outcome = script_read(fd, &script);
    bool arrived = outcome == SCRIPT_FAILED || (outcome == SCRIPT_NONE && is_elf(fd));
    close(fd);
    if (arrived)
        return STEP_ARRIVED;
    if (outcome == SCRIPT_NONE) {
        snprintf(next, PATH_MAX, "/bin/sh"); /* as execvp(3) does */
        return STEP_FOLLOW;
    }
    if (script_is_env(script.interpreter))
        return follow_env(&script, next, why);
    snprintf(next, PATH_MAX, "%s", script.interpreter);
    return STEP_FOLLOW;
}

bool interpreter_find(const char *path, char executable[PATH_MAX], char why[INTERPRETER_WHY_SIZE])
{
    char at[PATH_MAX];
    snprintf(at, sizeof at, "%s", path);
    for (unsigned depth = 0; depth <= SCRIPT_DEPTH_MAX; depth++) {
        switch (follow(at, executable, why)) {
        case STEP_ARRIVED:
            if (realpath(at, executable) != NULL)
                return true;
            snprintf(why, INTERPRETER_WHY_SIZE, "%.900s: %s", at, strerror(errno));
            return false;
        case STEP_UNKNOWN:
            return false;
        case STEP_FOLLOW:
            memcpy(at, executable, sizeof at);
            break;
        }
    }
    snprintf(why, INTERPRETER_WHY_SIZE, "too many scripts that are run by scripts");
    return false;
}
