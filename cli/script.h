/* The `#!` line of a script, read as the kernel reads it, and the words after `env`, as env(1) does. */
#ifndef TLSGRAFT_SCRIPT_H
#define TLSGRAFT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

/* The kernel looks at no more bytes of a script. */
enum { SCRIPT_LINE_SIZE = 256 };

/* The kernel follows no more scripts that are run by scripts; env(1) makes it start over. */
enum { SCRIPT_DEPTH_MAX = 5 };

struct script {
    char interpreter[SCRIPT_LINE_SIZE];
    char argument[SCRIPT_LINE_SIZE]; /* all that follows, one argument; empty: none */
};

enum script_outcome {
    SCRIPT_READ,
    SCRIPT_NONE,   /* no usable `#!` line: execvp(3) hands such a file to /bin/sh */
    SCRIPT_FAILED, /* errno tells */
};

enum script_outcome script_read(int fd, struct script *script);

/* Is the interpreter env(1), so that the words behind it name the program? */
bool script_is_env(const char *interpreter);

/* What env(1) makes of the argument of a `#!/usr/bin/env ARGUMENT` line. */
struct env_words {
    char program[SCRIPT_LINE_SIZE];
    char path[SCRIPT_LINE_SIZE]; /* PATH=..., if it is set there */
    bool sets_path;
    char rest[SCRIPT_LINE_SIZE]; /* the words after the program, with -S */
};

/* False: what it starts cannot be told, or would not be governed; `why` is the reason, of static duration. */
bool script_env(const char *argument, struct env_words *words, const char **why);

/* The same for the words after a program that is env itself. What was set before stays so. */
bool script_env_again(struct env_words *words, const char **why);

#endif
