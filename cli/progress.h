/* How far something is that takes long: a line on stderr, if that is a terminal, after the first second. */
#ifndef TLSGRAFT_PROGRESS_H
#define TLSGRAFT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the caller. */
struct progress {
    const char *what; /* is counted: "records" */
    bool is_told;     /* stderr is a terminal */
    bool is_shown;    /* the line stands there now */
    int64_t next;     /* when it is written again; milliseconds of CLOCK_MONOTONIC */
};

void progress_begin(struct progress *progress, const char *what);

/* `done` of `total` (0: not known). */
void progress_tell(struct progress *progress, size_t done, size_t total);

/* Takes the line away, so that something else can be written. At the end too. */
void progress_hide(struct progress *progress);

#endif
