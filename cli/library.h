/* Our shared object: where it is, and how a program is told to load it. */
#ifndef TLSGRAFT_LIBRARY_H
#define TLSGRAFT_LIBRARY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/elf.h"

struct library {
    char path[PATH_MAX]; /* absolute */
    char *preload;       /* the value for LD_PRELOAD: ours first, then what is there already */
    struct elf_facts facts;
};

/*
 * Finds libtlsgraft.so from the place of this command: ../lib/tlsgraft beside its bin. `present` (NULL: none)
 * is the LD_PRELOAD that is kept. False: it is not there or no shared object; `why` tells. Free with
 * library_close(), also then.
 */
bool library_open(struct library *library, const char *present, char *why, size_t size);

void library_close(struct library *library);

/* The path of this command, without symbolic links where /proc is mounted. False: it cannot be found. */
bool library_own_path(char path[PATH_MAX]);

/*
 * An LD_PRELOAD (NULL: none) without our library, of whatever place. False: it is not in it, or memory is
 * short. Free `*value`.
 */
bool library_leave_out(const char *present, char **value);

/* Why the loader could not take this path from LD_PRELOAD, of static duration; NULL: it can. */
const char *library_path_fault(const char *path);

#endif
