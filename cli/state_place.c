#include "cli/state_place.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What open(2) would do to it: 0, or the error. */
static int look_at(const char *path, struct stat *status)
{
    if (lstat(path, status) != 0)
        return errno;
    return S_ISDIR(status->st_mode) ? 0 : ENOTDIR;
}

/* 0, or the error of who makes something in it. */
static int may_be_written(const char *directory)
{
    return eaccess(directory, W_OK | X_OK) == 0 ? 0 : errno;
}

/* The directory of this user in it. */
static bool takes_own(const char *path, char *why)
{
    char own[PATH_MAX + 32];
    struct stat status;
    snprintf(own, sizeof own, "%s/%lu", path, (unsigned long)geteuid());
    int error = look_at(own, &status);
    if (error == 0)
        return state_directory_own_is_safe(path, &status, why);
    if (error == ENOENT)
        error = may_be_written(path);
    if (error != 0)
        state_directory_fail_open_own(path, error, why);
    return error == 0;
}

bool state_place_takes(const char *path, char *why)
{
    char copy[PATH_MAX];
    struct stat status;
    int error = look_at(path, &status);
    if (error == 0 && !state_directory_is_safe(path, &status, why))
        return false;
    if (error == 0 && eaccess(path, R_OK) == 0)
        return takes_own(path, why);
    if (error == 0)
        error = errno;
    snprintf(copy, sizeof copy, "%s", path);
    if (error == ENOENT)
        error = may_be_written(dirname(copy));
    if (error != 0)
        state_directory_fail_open(path, error, why);
    return error == 0;
}
