/*
 * Notice of what happens to a file and to its path, by inotify(7): it grows, is cut off, renamed, removed,
 * made (again), or a directory on the way to it is. What happened is not told: whoever is told looks.
 */
#ifndef TLSGRAFT_EVENT_WATCH_H
#define TLSGRAFT_EVENT_WATCH_H

#include <stdbool.h>

struct event_watch {
    int descriptor;   /* readable once something has happened */
    const char *path; /* of the caller */
    int file;         /* watch on the file; -1: none */
    int before;       /* watch on the file that was there before; -1: none */
};

/* Watches `path` (absolute), of which nothing need exist but `/`. False: impossible; the user has been told.
 */
bool event_watch_open(struct event_watch *watch, const char *path);

/*
 * Takes what has happened. 1: something did, and from before this returns the path as it is now is watched;
 * 0: nothing; -1: it can be watched no more, and the user has been told.
 */
int event_watch_take(struct event_watch *watch);

void event_watch_close(struct event_watch *watch);

#endif
