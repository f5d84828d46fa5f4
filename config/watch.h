/*
 * Which files a policy was read from, so that a change of one of them is noticed: by device, inode, size and
 * time of the last change, and by the owner and mode that make a file one that is trusted.
 *
 * Owner: whoever made the struct, zeroed; watch_free() frees what it holds. Memory comes from malloc(3), for
 * a watch outlives a load that failed. Not thread-safe.
 */
#ifndef TLSGRAFT_CONFIG_WATCH_H
#define TLSGRAFT_CONFIG_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct watched_file {
    char *path;
    bool present; /* false: it could not be opened, or it changed while it was read; the rest is then 0 */
    dev_t device;
    ino_t inode;
    mode_t mode;
    uid_t owner;
    off_t size; /* this and the next: 0 for what is no regular file */
    struct timespec mtime;
};

struct watch {
    struct watched_file *files;
    size_t count, capacity;
    bool failed; /* something could not be remembered, or read for want of memory */
};

/*
 * Remembers a file as it was when it was read. `path` is copied. `status` NULL: it could not be opened. Once
 * more in the same state, a little later, it is not remembered again.
 */
void watch_add(struct watch *watch, const char *path, const struct stat *status);

/*
 * Is any of the files another one than was read, or one that could not be opened and now can? True also where
 * `failed`. Asks the file system for each of them; errno stays.
 */
bool watch_has_changed(const struct watch *watch);

/* Frees what the watch holds, and makes it an empty one. */
void watch_free(struct watch *watch);

#endif
