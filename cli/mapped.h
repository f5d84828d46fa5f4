/* The files that a process has mapped to execute: its program and its libraries. From /proc/N/maps, proc(5).
 */
#ifndef TLSGRAFT_MAPPED_H
#define TLSGRAFT_MAPPED_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct mapped {
    char path[PATH_MAX]; /* as the kernel tells it; the file there may be another by now */
    bool deleted;        /* the file is in no directory any more, as after an upgrade */
    char range[40];      /* its addresses, as map_files names them */
    dev_t device;
    ino_t inode;
};

/* Takes the next file off `maps`, that of /proc/N/maps. False: there is no more, or an error; see ferror(3).
 */
bool mapped_next(FILE *maps, struct mapped *mapped);

/*
 * Writes a path by which the very file can be opened to `path`; `folder` is the process's, /proc/N or another
 * name of it. False: there is none, or this user may not.
 */
bool mapped_locate(const struct mapped *mapped, const char *folder, char path[PATH_MAX]);

#endif
