/*
 * Can a program be governed? What `doctor` answers and `run` insists on. The program is looked up as
 * execvp(3) does, and the `#!` of scripts is followed to the program that will run.
 */
#ifndef TLSGRAFT_PROGRAM_H
#define TLSGRAFT_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#include "cli/binary.h"
#include "cli/library.h"

enum program_outcome {
    PROGRAM_GOVERNABLE,
    PROGRAM_UNGOVERNABLE,
    PROGRAM_NOT_FOUND,      /* exec would fail: it, its interpreter or its loader does not exist */
    PROGRAM_NOT_EXECUTABLE, /* exec would fail for another reason */
    PROGRAM_UNDECIDED,      /* it cannot be read, or the surroundings failed */
};

struct program {
    enum program_outcome outcome;
    char path[PATH_MAX];      /* the file that exec starts; empty: not found */
    char reason[REASON_SIZE]; /* for a yes too */
    struct needs needs;       /* of the program that runs in the end */
    bool preloadable;         /* LD_PRELOAD does no harm, and may serve its children */
};

/* `name` is as given to exec. The result holds no resources. */
void program_judge(const char *name, const struct library *library, struct program *program);

/*
 * Only the lookup: true, with `program->path`, where exec would find a file to execute; else the outcome
 * and its reason are set.
 */
bool program_find(const char *name, struct program *program);

#endif
