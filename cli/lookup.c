#include "cli/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum lookup lookup_file(const char *path, int *error)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        *error = errno;
        return errno == ENOENT ? LOOKUP_MISSING : LOOKUP_DENIED;
    }
    if (!S_ISREG(status.st_mode)) {
        *error = S_ISDIR(status.st_mode) ? EISDIR : EACCES;
        return LOOKUP_DENIED;
    }
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0) {
        *error = errno;
        return LOOKUP_DENIED;
    }
    return LOOKUP_FOUND;
}

/* Errors of one directory for which execvp goes on to the next. */
static bool goes_on(int error)
{
    return error == EACCES || error == EISDIR || error == ESTALE || error == ENOTDIR || error == ENODEV ||
           error == ETIMEDOUT;
}

enum lookup lookup_program(const char *name, const char *search_path, char *path, size_t size, int *error)
{
    *error = ENOENT;
    if (name[0] == '\0')
        return LOOKUP_MISSING;
    if (strchr(name, '/') != NULL) {
        if ((size_t)snprintf(path, size, "%s", name) >= size) {
            *error = ENAMETOOLONG;
            return LOOKUP_DENIED;
        }
        return lookup_file(path, error);
    }
    bool denied = false;
    const char *at = search_path != NULL ? search_path : "/bin:/usr/bin";
    for (;;) {
        size_t length = strcspn(at, ":");
        /* An empty element is the working directory. */
        const char *directory = length > 0 ? at : ".";
        int written = snprintf(path, size, "%.*s/%s", length > 0 ? (int)length : 1, directory, name);
        if (written > 0 && (size_t)written < size) {
            int reason;
            enum lookup found = lookup_file(path, &reason);
            if (found == LOOKUP_FOUND)
                return found;
            if (found == LOOKUP_DENIED && !goes_on(reason)) {
                *error = reason;
                return found;
            }
            denied = denied || reason == EACCES || reason == EISDIR;
        }
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    *error = denied ? EACCES : ENOENT;
    return denied ? LOOKUP_DENIED : LOOKUP_MISSING;
}
