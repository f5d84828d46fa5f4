/*
 * What belongs to the process as a whole: what was seen at its start, the reporter, and the lock.
 *
 * Threads: any.
 */
#ifndef TLSGRAFT_PROCESS_H
#define TLSGRAFT_PROCESS_H

#include <stdbool.h>

#include "policy/event.h"

/* What the environment said at the start. Strings live as long as the process. */
struct process_start {
    const char *policy_path; /* NULL: it is too long */
    bool policy_named;       /* by TLSGRAFT_POLICY; else it is the default path */
    bool default_existed;    /* a file was there */
    const char *program;     /* path of the executable, or where /proc is out of reach as it was executed; "":
                                neither is known */
    const char *section;     /* TLSGRAFT_PROGRAM; NULL: not set */
};

/*
 * Never NULL. The constructor looks, so that the host changes neither its environment nor its root before;
 * the path of the executable is asked for by the first call.
 */
const struct process_start *process_start(void);

/* Is the root directory the one of the start? False also where that is not known. */
bool process_root_is_unchanged(void);

/* False only where nothing of that name is there: a dangling link, or a directory without permission, is. */
bool process_file_exists(const char *path);

/* The process's reporter, for log_line(). It has the path of the executable from process_start() on. */
struct reporter *process_reporter(void);

/*
 * One lock for what is set up once (the policy, a libssl's table, the registry of objects). Held for our own
 * work only, never while code of the host runs; sane in the child of a fork(2).
 */
void process_lock(void);
void process_unlock(void);

#endif
