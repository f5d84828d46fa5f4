/*
 * The store in a directory: writing. A record appears under its name when it is whole and on the disk. It
 * has no name before, where the file system can make such files, so that a process that is killed leaves
 * nothing; else its name begins with TEMPORARY, and the next one that writes or deletes removes it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/hostio.h"
#include "policy/store_directory.h"

#define TEMPORARY ".tlsgraft-"

enum {
    LOCK_WAIT_MS = 10000, /* a writer holds the lock for as long as an fsync(2) takes */
    LOCK_STEP_MS = 10,
};

/* One change of the directory. */
struct change {
    const struct store_settings *store;
    char *why;
    int directory; /* locked */
    bool is_locked;
    char path[PATH_MAX];      /* of the record */
    char temporary[PATH_MAX]; /* of the new one, if it needs a name */
};

static enum store_result fail_errno(struct change *change, const char *what)
{
    char words[STORE_ERROR_SIZE];
    int error = errno;
    const char *advice = error == ENOSPC || error == EDQUOT ? "; make room there, or set 'path' to another"
                         : error == EACCES || error == EPERM
                             ? "; run this as a user who may write there, as root for one"
                         : error == EROFS   ? "; set 'path' in the section 'store' to one that can be written"
                         : error == ENOTDIR ? "; set 'path' in the section 'store' to a directory"
                         : error == EFBIG   ? "; raise the limit of file sizes (ulimit -f)"
                                            : "";
    return store_fail(change->why, "%s: %s%s", what, store_error(error, words), advice);
}

/* Daemons read it: what is made here is for all to pass, whatever the umask is. */
static bool make_directory(const char *path)
{
    return mkdir(path, 0755) == 0 ? chmod(path, 0755) == 0 : errno == EEXIST;
}

/* The store's own, and those that it is in. */
static bool make_directories(struct change *change)
{
    const char *path = change->store->path;
    char *part = change->path; /* not in use yet */
    struct stat status;
    if (stat(path, &status) == 0)
        return true;
    if (strlen(path) >= sizeof change->path) {
        errno = ENAMETOOLONG;
        return false;
    }
    snprintf(part, sizeof change->path, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_directory(part))
            return false;
        *slash = '/';
    }
    return make_directory(part);
}

/* flock(2) has no time to wait for. Whoever can read the directory can hold its lock for ever. */
static enum store_result lock_directory(struct change *change)
{
    for (int waited = 0; flock(change->directory, LOCK_EX | LOCK_NB) != 0; waited += LOCK_STEP_MS) {
        if (errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS)
            return STORE_DONE; /* it cannot be: NFS. Then what others left is not removed */
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail_errno(change, "it cannot be locked");
        if (waited >= LOCK_WAIT_MS)
            return store_fail(change->why,
                              "another process holds its lock for more than %d seconds; find it "
                              "with 'lslocks', or try again",
                              LOCK_WAIT_MS / 1000);
        poll(NULL, 0, LOCK_STEP_MS);
    }
    change->is_locked = true;
    return STORE_DONE;
}

/* What a writer that was killed has left, which may hold a private key; nobody else writes while the lock is
 * held. */
static void remove_left_over(const struct change *change)
{
    DIR *entries = opendir(change->store->path);
    struct dirent *entry;
    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL) {
        if (strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)) == 0)
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    closedir(entries);
}

static enum store_result change_begin(struct change *change, const char *id)
{
    const char *fault = store_place_fault(change->store);
    if (fault != NULL)
        return store_fail(change->why, "%s", fault);
    if (!store_file_path(change->store, id, change->path, change->why))
        return STORE_FAILED;
    change->directory = hostio_open(change->store->path, O_RDONLY | O_DIRECTORY, 0);
    if (change->directory < 0)
        return fail_errno(change, "it cannot be opened");
    enum store_result result = lock_directory(change);
    if (change->is_locked)
        remove_left_over(change);
    return result;
}

/* So that a record, or that it is gone, survives a crash of the machine. */
static enum store_result change_end(struct change *change, enum store_result result)
{
    if (result == STORE_DONE && fsync(change->directory) != 0 && errno != EINVAL)
        result = fail_errno(change, "the change may be lost in a crash of the machine");
    if (change->directory >= 0)
        close(change->directory);
    return result;
}

/* A new file: without a name where that will do and can be, else change->temporary. */
static int open_new(struct change *change, bool may_be_nameless)
{
    int descriptor = may_be_nameless ? hostio_open(change->store->path, O_TMPFILE | O_WRONLY, 0600) : -1;
    change->temporary[0] = '\0';
    if (descriptor >= 0)
        return descriptor;
    struct timespec now; /* one that another machine's writer left may have our process id */
    clock_gettime(CLOCK_REALTIME, &now);
    int length = snprintf(change->temporary, sizeof change->temporary, "%s/%s%ld-%lld%09ld",
                          change->store->path, TEMPORARY, (long)getpid(), (long long)now.tv_sec, now.tv_nsec);
    if (length >= (int)sizeof change->temporary) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return hostio_open(change->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

static bool write_all(int descriptor, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

/* A record that is replaced keeps its place in the listing. */
static bool keep_time(int descriptor, const struct stat *before)
{
    const struct timespec times[] = {{.tv_nsec = UTIME_NOW}, before->st_mtim};
    return futimens(descriptor, times) == 0;
}

static bool fill(int descriptor, const struct store_upload *upload, const struct stat *before)
{
    return write_all(descriptor, upload->text, upload->length) &&
           fchmod(descriptor, upload->has_private_key ? 0640 : 0644) == 0 &&
           (before == NULL || keep_time(descriptor, before)) && fsync(descriptor) == 0;
}

/* Gives the new file the record's name. `is_new`: never in the place of another. */
static bool publish(const struct change *change, int descriptor, bool is_new)
{
    char link[32];
    if (change->temporary[0] == '\0') {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        return linkat(AT_FDCWD, link, AT_FDCWD, change->path, AT_SYMLINK_FOLLOW) == 0;
    }
    if (!is_new)
        return rename(change->temporary, change->path) == 0;
    if (renameat2(AT_FDCWD, change->temporary, AT_FDCWD, change->path, RENAME_NOREPLACE) == 0)
        return true;
    /* A file system that cannot: it was looked for a moment ago, with the lock. */
    return (errno == EINVAL || errno == ENOSYS) && rename(change->temporary, change->path) == 0;
}

/* False: the record could not be published, and errno tells; nothing is left. */
static bool write_new(struct change *change, const struct store_upload *upload, const struct stat *before,
                      bool may_be_nameless)
{
    int descriptor = open_new(change, may_be_nameless);
    if (descriptor < 0)
        return false;
    bool done = fill(descriptor, upload, before) && publish(change, descriptor, before == NULL);
    int error = errno;
    if (!done && change->temporary[0] != '\0')
        unlink(change->temporary);
    close(descriptor);
    errno = error;
    return done;
}

/* What was read without the lock may have been replaced or deleted since. */
static enum store_result may_replace(const struct change *change, const struct store_upload *upload)
{
    struct store_text there = {0};
    if (upload->replaces == NULL)
        return STORE_EXISTS;
    enum store_result result = store_file_read(change->store, upload->id, &there, change->why);
    if (result == STORE_DONE && !store_is_replaced(upload, there.text, there.length))
        result = STORE_EXISTS;
    store_text_free(&there);
    return result;
}

static enum store_result write_locked(struct change *change, const struct store_upload *upload)
{
    struct stat before;
    bool is_there = lstat(change->path, &before) == 0;
    enum store_result may = is_there ? may_replace(change, upload) : STORE_DONE;
    if (may != STORE_DONE)
        return may;
    if (write_new(change, upload, is_there ? &before : NULL, !is_there))
        return STORE_DONE;
    if (errno == EEXIST && !is_there)
        return STORE_EXISTS;
    /* Without /proc a file that has no name gets none. */
    if (errno == ENOENT && !is_there && write_new(change, upload, NULL, false))
        return STORE_DONE;
    return fail_errno(change, "the record cannot be written");
}

static enum store_result write_record(const struct store_settings *store, const struct store_upload *upload,
                                      char *why)
{
    struct change change = {.store = store, .why = why, .directory = -1};
    if (!make_directories(&change))
        return fail_errno(&change, "it cannot be made");
    enum store_result result = change_begin(&change, upload->id);
    return change_end(&change, result == STORE_DONE ? write_locked(&change, upload) : result);
}

static enum store_result remove_record(const struct store_settings *store, const char *organisation,
                                       const char *id, char *why)
{
    struct change change = {.store = store, .why = why, .directory = -1};
    struct stat status;
    (void)organisation;
    if (lstat(store->path, &status) != 0 && errno == ENOENT)
        return STORE_ABSENT;
    enum store_result result = change_begin(&change, id);
    if (result == STORE_DONE && unlink(change.path) != 0)
        result = errno == ENOENT   ? STORE_ABSENT
                 : errno == EISDIR ? store_fail(why, STORE_RECORD_IS_DIRECTORY, id)
                                   : fail_errno(&change, "the record cannot be deleted");
    return change_end(&change, result);
}

const struct store_manager store_directory_manager = {
    .write = write_record,
    .remove = remove_record,
    .list = store_directory_list,
};
