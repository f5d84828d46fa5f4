/*
 * What a program would load: its own loader, asked with LD_TRACE_LOADED_OBJECTS. Nothing of the program or
 * of its libraries is executed, provided that the loader is glibc's (see binary.c).
 */
#ifndef TLSGRAFT_TRACE_H
#define TLSGRAFT_TRACE_H

#include <stdbool.h>
#include <stddef.h>

struct trace {
    char *output; /* the list, NUL-terminated */
    char *errors; /* what the loader said on stderr */
    int status;   /* its exit status; -1: it did not exit by itself, or that is not known */
};

/*
 * Runs `loader` for `program` with LD_PRELOAD=`preload`. False: it could not be run, said too much or did
 * not end within half a minute; `why` tells. Free with trace_free(), also then.
 */
bool trace_program(struct trace *trace, const char *loader, const char *program, const char *preload,
                   char *why, size_t size);

void trace_free(struct trace *trace);

/* One line of the list. */
struct trace_line {
    const char *name; /* as the program asks for it, or a path */
    const char *path; /* where it is found; NULL: not found */
};

/* Takes the next line off `*at` (start: trace->output), and cuts it up in place. False: there is no more. */
bool trace_next(char **at, struct trace_line *line);

#endif
