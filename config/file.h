/* Reading the files that a policy consists of, with the checks of who may have written them. Thread-safe. */
#ifndef TLSGRAFT_CONFIG_FILE_H
#define TLSGRAFT_CONFIG_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "config/watch.h"
#include "policy/arena.h"

enum file_result {
    FILE_READ,
    FILE_UNREADABLE, /* missing, no permission */
    FILE_REFUSED,    /* of another type, too large, or not kept from those that it must be kept from */
};

/* Whom the file must be kept from. */
enum file_secrecy {
    FILE_ANYBODYS, /* nobody: anyone may have written it, as nothing follows from what it holds */
    FILE_PUBLIC,   /* others must not write it */
    FILE_SECRET,   /* nor read it */
};

struct file_text {
    char *data;    /* NUL-terminated, in the arena */
    size_t length; /* without the NUL */
    dev_t device;
    ino_t inode;
    mode_t mode; /* its permissions */
};

/*
 * Reads a whole regular file of at most `limit` bytes. Else `*why` tells (`what was found; what is
 * allowed`), in the arena or static. `watch` (NULL: none) remembers the file, whatever the result.
 */
enum file_result file_read(struct arena *arena, struct watch *watch, const char *path, size_t limit,
                           enum file_secrecy secrecy, struct file_text *text, const char **why);

/*
 * Of a file that was read, and holds a private key: may others than its owner and group read it? NULL: no;
 * else `what was found; what to do`, in the arena or static.
 */
const char *file_readers_fault(struct arena *arena, const struct file_text *text, const char *path);

/*
 * The same as file_read() for a directory of which files will be read later: is it there, and may only root
 * and this user change it?
 */
enum file_result file_examine_directory(struct arena *arena, struct watch *watch, const char *path,
                                        const char **why);

#endif
