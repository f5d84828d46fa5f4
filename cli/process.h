/* Is tlsgraft loaded in a running process, and with which policy? What `doctor --pid` answers. */
#ifndef TLSGRAFT_PROCESS_H
#define TLSGRAFT_PROCESS_H

#include <limits.h>
#include <sys/types.h>

#include "cli/binary.h"
#include "cli/library.h"

enum process_outcome {
    PROCESS_LOADED,
    PROCESS_NOT_LOADED,
    PROCESS_UNKNOWN, /* there is no such process, or this user must not look at it */
};

struct process {
    enum process_outcome outcome;
    char program[PATH_MAX];   /* its executable; empty: not known, or there is none */
    char policy[PATH_MAX];    /* what it was started with; empty: not known, or none is in force */
    char reason[REASON_SIZE]; /* for a yes too; for PROCESS_UNKNOWN also what to do */
    struct needs needs;       /* what it has loaded */
};

/*
 * Nothing is executed, and the process is not stopped. `library` is ours, for comparison. The result holds no
 * resources.
 */
void process_judge(pid_t pid, const struct library *library, struct process *process);

#endif
