/* What /proc tells about a process, proc(5). Another process may change while it is looked at, or end. */
#ifndef TLSGRAFT_PROCESS_FACTS_H
#define TLSGRAFT_PROCESS_FACTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process_facts {
    int folder;                /* /proc/N: of this very process, though its number may be used again */
    char program[PATH_MAX];    /* the executable; empty: a thread of the kernel has none */
    bool secure;               /* it was started with more rights than its caller had (AT_SECURE) */
    bool environment_is_known; /* as it was at the start, unless the process has written over it */
    bool preloads;             /* LD_PRELOAD named a libtlsgraft.so */
    bool names_policy;         /* TLSGRAFT_POLICY was set */
    char policy[PATH_MAX];     /* to this */
    bool other_root;           /* its root directory is not ours */
};

/*
 * False: there is no such process, or this user must not look at it; `why` says so, and what to do. Close
 * with process_facts_close(), also then.
 */
bool process_facts_read(pid_t pid, struct process_facts *facts, char *why, size_t size);

void process_facts_close(struct process_facts *facts);

/* Has it ended since, or is it about to? Then what was read of it may tell nothing. */
bool process_facts_ended(const struct process_facts *facts);

/* What to do where it must not be looked at, of static duration; for the end of a sentence. */
const char *process_facts_advice(void);

/*
 * Is the file `path` (absolute) there, as the process sees it? 0, or the errno; ENOSYS where that cannot be
 * told.
 */
int process_facts_find(const struct process_facts *facts, const char *path);

#endif
