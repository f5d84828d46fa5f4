#include "policy/state_directory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/store_kind.h"
#include "policy/text.h"

#define AT_BOOT "; lib/tmpfiles.d/tlsgraft.conf of tlsgraft, in /etc/tmpfiles.d, makes it at each boot"

void state_directory_fail(const char *path, char *why, const char *format, ...)
{
    va_list args;
    int head = snprintf(why, STATE_DIRECTORY_WHY_SIZE, "%s", path);
    if (head < 0 || head >= STATE_DIRECTORY_WHY_SIZE)
        head = 0;
    va_start(args, format);
    vsnprintf(why + head, (size_t)(STATE_DIRECTORY_WHY_SIZE - head), format, args);
    va_end(args);
    text_for_terminal(why);
}

static bool is_kept_from_others(const struct stat *status)
{
    return (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static unsigned mode_of(const struct stat *status)
{
    return (unsigned)status->st_mode & 07777U;
}

bool state_directory_is_safe(const char *path, const struct stat *status, char *why)
{
    if (is_kept_from_others(status) || (status->st_mode & S_ISVTX) != 0)
        return true;
    state_directory_fail(
        path, why,
        " can be changed by others than its owner, and has no sticky bit (mode %04o); run: chmod +t %s",
        mode_of(status), path);
    return false;
}

bool state_directory_is_own(const struct stat *status)
{
    return status->st_uid == geteuid() && is_kept_from_others(status);
}

bool state_directory_own_is_safe(const char *path, const struct stat *status, char *why)
{
    if (state_directory_is_own(status))
        return true;
    state_directory_fail(path, why,
                         "/%lu must be a directory of this user's own, and kept from others; it belongs to "
                         "user %lu (mode %04o); remove it",
                         (unsigned long)geteuid(), (unsigned long)status->st_uid, mode_of(status));
    return false;
}

static bool is_other(int error)
{
    return error == ENOTDIR || error == ELOOP;
}

/* What stands there is gone with the next boot. */
static bool is_of_boot(const char *path)
{
    return strncmp(path, "/run/", sizeof "/run/" - 1) == 0;
}

void state_directory_fail_open(const char *path, int error, char *why)
{
    char words[STORE_ERROR_SIZE];
    if (is_other(error))
        state_directory_fail(path, why,
                             " is no directory, or a link, which is not followed; remove it, or set "
                             "'state_directory' to a directory");
    else
        state_directory_fail(
            path, why,
            " cannot be opened or made: %s; run as root: install -d -m 1777 %s (or set 'state_directory')%s",
            store_error(error, words), path, is_of_boot(path) ? AT_BOOT : "");
}

void state_directory_fail_open_own(const char *path, int error, char *why)
{
    char words[STORE_ERROR_SIZE];
    unsigned long user = geteuid();
    if (is_other(error))
        state_directory_fail(path, why, "/%lu is no directory, or a link, which is not followed; remove it",
                             user);
    else
        state_directory_fail(path, why, "/%lu cannot be opened or made: %s; let this user write to %s", user,
                             store_error(error, words), path);
}
