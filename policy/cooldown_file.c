/*
 * The state directory, and in it one directory for each effective user: others may write to the first one,
 * and have put anything there.
 */
#include "policy/cooldown_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/hostio.h"
#include "policy/state_directory.h"
#include "policy/store_kind.h"

enum { FILE_MODE = 0600 };

static int open_directory(int at, const char *name)
{
    return hostio_openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0);
}

/* Also where the umask of the host has taken away the right to open it. */
static void set_mode(int at, const char *name, mode_t mode)
{
    struct stat status;
    int directory = open_directory(at, name);
    if (directory >= 0) {
        fchmod(directory, mode);
    } else if ((directory = hostio_openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0)) >= 0) {
        char path[32];
        snprintf(path, sizeof path, "/proc/self/fd/%d", directory);
        if (fstat(directory, &status) == 0 && status.st_uid == geteuid())
            chmod(path, mode);
    }
    if (directory >= 0)
        close(directory);
}

/* Replaces nothing, but on a file system that cannot be told so: there, another one that is empty. */
static bool move(int at, const char *from, const char *to)
{
    if (renameat2(at, from, at, to, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && renameat(at, from, at, to) == 0;
}

/* malloc(3). NULL: memory is short. */
static char *temporary_name(const char *name)
{
    struct timespec now;
    char *temporary;
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/')
        length--;
    clock_gettime(CLOCK_REALTIME, &now);
    int made = asprintf(&temporary, "%.*s.new-%ld-%ld-%ld", (int)length, name, (long)getpid(),
                        (long)now.tv_sec, now.tv_nsec);
    return made < 0 ? NULL : temporary;
}

/*
 * With this mode, whatever the umask of the host is; under another name at first, so that nobody finds it
 * before it has it. errno, unless it is there now.
 */
static int make(int at, const char *name, mode_t mode)
{
    char *temporary = temporary_name(name);
    int error = 0;
    if (temporary == NULL)
        return ENOMEM;
    if (mkdirat(at, temporary, mode) != 0) {
        error = errno;
    } else {
        set_mode(at, temporary, mode);
        if (!move(at, temporary, name)) {
            error = errno;
            unlinkat(at, temporary, AT_REMOVEDIR);
        }
    }
    free(temporary);
    return error;
}

static int open_or_make(int at, const char *name, mode_t mode)
{
    int directory = open_directory(at, name);
    if (directory >= 0 || errno != ENOENT)
        return directory;
    int error = make(at, name, mode);
    directory = open_directory(at, name); /* another process may have made it meanwhile */
    if (directory < 0 && error != 0)
        errno = error;
    return directory;
}

/* The state directory, which the users of a machine share. */
static int open_state(const char *path, char *why)
{
    struct stat status;
    int directory = open_or_make(AT_FDCWD, path, 01777);
    if (directory < 0 || fstat(directory, &status) != 0)
        state_directory_fail_open(path, errno, why);
    else if (state_directory_is_safe(path, &status, why))
        return directory;
    if (directory >= 0)
        close(directory);
    return -1;
}

/* The directory of the effective user in it. Others may have put something else into its place. */
static int open_own(const char *path, int state, char *why)
{
    char name[16];
    struct stat status;
    snprintf(name, sizeof name, "%lu", (unsigned long)geteuid());
    int own = open_or_make(state, name, 0700);
    if (own < 0 || fstat(own, &status) != 0)
        state_directory_fail_open_own(path, errno, why);
    else if (state_directory_own_is_safe(path, &status, why))
        return own;
    if (own >= 0)
        close(own);
    return -1;
}

static bool is_usable(const struct stat *status)
{
    return S_ISREG(status->st_mode) && state_directory_is_own(status);
}

static int open_usable(int own, const char *name)
{
    struct stat status;
    int file = hostio_open_or_create(own, name, O_RDWR, FILE_MODE);
    if (file < 0 || (fstat(file, &status) == 0 && is_usable(&status)))
        return file;
    close(file);
    errno = EINVAL;
    return -1;
}

/* What is none of ours there is removed; what is ours and may not be opened is given its mode back. */
static int open_file(int own, const char *name)
{
    struct stat status;
    int file = open_usable(own, name);
    int error = errno;
    if (file >= 0 || fstatat(own, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        errno = error;
        return file;
    }
    if (is_usable(&status) ? error == EACCES && fchmodat(own, name, FILE_MODE, 0) == 0
                           : unlinkat(own, name, 0) == 0)
        return open_usable(own, name);
    errno = error;
    return -1;
}

int cooldown_file_open(const char *path, unsigned number, char *why)
{
    char name[32];
    char words[STORE_ERROR_SIZE];
    int state = open_state(path, why);
    int own = state < 0 ? -1 : open_own(path, state, why);
    int file = -1;
    snprintf(name, sizeof name, "cooldowns-%02u", number);
    if (own >= 0 && (file = open_file(own, name)) < 0)
        state_directory_fail(path, why,
                             "/%lu/%s cannot be opened: %s; remove it, and let this user write there",
                             (unsigned long)geteuid(), name, store_error(errno, words));
    if (own >= 0)
        close(own);
    if (state >= 0)
        close(state);
    return file;
}
