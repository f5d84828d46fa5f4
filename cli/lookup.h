/* Finding the file that exec would start. */
#ifndef TLSGRAFT_LOOKUP_H
#define TLSGRAFT_LOOKUP_H

#include <stddef.h>

enum lookup {
    LOOKUP_FOUND,
    LOOKUP_MISSING,
    LOOKUP_DENIED, /* there, but it cannot be executed; *error is the errno */
};

/* Is `path` a file that may be executed? */
enum lookup lookup_file(const char *path, int *error);

/*
 * Finds `name` as execvp(3) does: with a `/` it is the path, else it is looked for in the directories of
 * `search_path` (NULL: the system's default). The path, relative where the directory is, goes to `path`.
 */
enum lookup lookup_program(const char *name, const char *search_path, char *path, size_t size, int *error);

#endif
