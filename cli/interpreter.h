/* Which executable runs in the end, where a file may be a script. */
#ifndef TLSGRAFT_INTERPRETER_H
#define TLSGRAFT_INTERPRETER_H

#include <limits.h>
#include <stdbool.h>

enum { INTERPRETER_WHY_SIZE = 1024 };

/*
 * Follows `#!` from `path` on, as execve(2), env(1) and execvp(3) do, to the file that runs: `executable`,
 * without symbolic links; `path` itself, where it is no script. False: it cannot be told, and `why` is the
 * reason.
 */
bool interpreter_find(const char *path, char executable[PATH_MAX], char why[INTERPRETER_WHY_SIZE]);

#endif
