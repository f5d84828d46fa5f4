#include "cli/state_place.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_shared_unsafely(const struct stat *status)
{
    return (status->st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status->st_mode & S_ISVTX) == 0;
}

static bool refuse_making(const char *path, int error, char *why, size_t size)
{
    snprintf(why, size,
             "%s cannot be opened or made: %s; run as root: install -d -m 1777 %s (or set 'state_directory')",
             path, strerror(error), path);
    return false;
}

static bool may_be_made(const char *path, char *why, size_t size)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    return eaccess(dirname(copy), W_OK | X_OK) == 0 || refuse_making(path, errno, why, size);
}

/* The directory of this user in it. */
static bool takes_own(const char *path, char *why, size_t size)
{
    char own[PATH_MAX + 32];
    struct stat status;
    snprintf(own, sizeof own, "%s/%lu", path, (unsigned long)geteuid());
    if (lstat(own, &status) != 0) {
        if (errno == ENOENT && eaccess(path, W_OK | X_OK) == 0)
            return true;
        snprintf(why, size, "%s cannot be opened or made: %s; let this user write to %s", own,
                 strerror(errno), path);
        return false;
    }
    if (S_ISDIR(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return true;
    snprintf(
        why, size,
        "%s must be a directory of this user's own, and kept from others (user %lu, mode %04o); remove it",
        own, (unsigned long)status.st_uid, (unsigned)status.st_mode & 07777U);
    return false;
}

bool state_place_takes(const char *path, char *why, size_t size)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? may_be_made(path, why, size) : refuse_making(path, errno, why, size);
    if (!S_ISDIR(status.st_mode))
        snprintf(why, size,
                 "%s is no directory, or a link, which is not followed; remove it, or set 'state_directory' "
                 "to a directory",
                 path);
    else if (is_shared_unsafely(&status))
        snprintf(why, size,
                 "%s can be changed by others than its owner, and has no sticky bit (mode %04o); run: chmod "
                 "+t %s",
                 path, (unsigned)status.st_mode & 07777U, path);
    else if (eaccess(path, R_OK) != 0)
        return refuse_making(path, errno, why, size);
    else
        return takes_own(path, why, size);
    return false;
}
