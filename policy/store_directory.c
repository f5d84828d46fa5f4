/* The store in a directory: reading. A record is the file `<id>.pem`. */
#include "policy/store_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/hostio.h"
#include "policy/record.h"
#include "policy/trust.h"

bool store_file_path(const struct store_settings *store, const char *id, char path[PATH_MAX], char *why)
{
    int length = snprintf(path, PATH_MAX, "%s/%s%s", store->path, id, STORE_FILE_SUFFIX);
    if (length > 0 && length < PATH_MAX)
        return true;
    store_fail(why, "its path is too long; give 'path' in the section 'store' a shorter one");
    return false;
}

const char *store_place_fault(const struct store_settings *store)
{
    struct stat status;
    int error = errno;
    bool is_there = lstat(store->path, &status) == 0;
    bool leads_nowhere =
        is_there && S_ISLNK(status.st_mode) && stat(store->path, &status) != 0 && errno == ENOENT;
    errno = error;
    if (leads_nowhere)
        return "it is a symbolic link to nothing; make the directory that it names, or set 'path' in the "
               "section 'store' to another";
    return is_there && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode)
               ? "it is not a directory; set 'path' in the section 'store' to one"
               : NULL;
}

/*
 * `error`: of open(2). A file or a directory that is not there is an answer; anything else is none. What does
 * not concern this file alone does not name it: it is told of others too.
 */
static enum store_result not_opened(const struct store_settings *store, const char *id, int error,
                                    enum store_fault fault, char *why)
{
    char words[STORE_ERROR_SIZE];
    const char *place_fault = error == ENOENT || error == ENOTDIR ? store_place_fault(store) : NULL;
    if (place_fault != NULL)
        return store_fail(why, "%s", place_fault);
    if (error == ENOENT)
        return STORE_ABSENT;
    if (error == ELOOP)
        return store_fail(why, "%s%s is a symbolic link, which is not followed; put the file itself there",
                          id, STORE_FILE_SUFFIX);
    if (error == ENOTDIR)
        return store_fail(why, "it is not a directory; set 'path' in the section 'store' to one");
    if (fault == STORE_FAULT_BARRED)
        return store_fail(why,
                          "this process may open no file any more: %s; let the filter on its system calls "
                          "pass openat(2)",
                          store_error(error, words));
    if (fault == STORE_FAULT_CONTACT)
        return store_fail(why, "no record of it can be read: %s", store_error(error, words));
    return store_fail(why, "%s%s cannot be read: %s%s", id, STORE_FILE_SUFFIX, store_error(error, words),
                      error == EACCES ? "; let this user, or a group of it, read the file and its directory"
                                      : "");
}

static enum store_result read_whole(int descriptor, const char *id, size_t size, struct store_text *text,
                                    char *why)
{
    char words[STORE_ERROR_SIZE];
    ssize_t got = 1;
    *text = (struct store_text){.text = malloc(size + 1)};
    if (text->text == NULL)
        return store_fail(why, "there is not enough memory to read %s%s", id, STORE_FILE_SUFFIX);
    while (got > 0 && text->length < size) {
        do
            got = read(descriptor, text->text + text->length, size - text->length);
        while (got < 0 && errno == EINTR);
        text->length += got > 0 ? (size_t)got : 0;
    }
    text->text[text->length] = '\0';
    if (got >= 0)
        return STORE_DONE;
    store_fail(why, "%s%s cannot be read: %s", id, STORE_FILE_SUFFIX, store_error(errno, words));
    store_text_free(text);
    return STORE_FAILED;
}

static enum store_result read_opened(int descriptor, const char *id, struct store_text *text, char *why)
{
    struct stat status;
    char trust[TRUST_WHY_SIZE];
    text->fault = STORE_FAULT_RECORD;
    bool is_known = fstat(descriptor, &status) == 0;
    if (is_known && S_ISDIR(status.st_mode))
        return store_fail(why, STORE_RECORD_IS_DIRECTORY, id);
    if (!is_known || !S_ISREG(status.st_mode))
        return store_fail(why, "%s%s is not a regular file; only regular files are read", id,
                          STORE_FILE_SUFFIX);
    if (!trust_writers(&status, trust))
        return store_fail(why, "%s%s %s", id, STORE_FILE_SUFFIX, trust);
    if (status.st_size > RECORD_TEXT_MAX)
        return store_fail(why, "%s%s has more than %d bytes, the most that a record may have", id,
                          STORE_FILE_SUFFIX, RECORD_TEXT_MAX);
    return read_whole(descriptor, id, (size_t)status.st_size, text, why);
}

enum store_result store_file_read(const struct store_settings *store, const char *id, struct store_text *text,
                                  char *why)
{
    char path[PATH_MAX];
    if (!store_file_path(store, id, path, why))
        return STORE_FAILED;
    /* O_NONBLOCK: a FIFO must not hang the host. */
    int descriptor = hostio_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (descriptor < 0) {
        int error = errno;
        text->fault = error == ELOOP ? STORE_FAULT_RECORD : store_fault_of_file(error);
        return not_opened(store, id, error, text->fault, why);
    }
    enum store_result result = read_opened(descriptor, id, text, why);
    close(descriptor);
    return result;
}

/* A file system answers when it does: there is no way to wait for it for a time. */
static void read_records(const struct store_settings *store, const char *const *ids, size_t count,
                         unsigned timeout_ms, enum store_result *results, struct store_text *texts, char *why)
{
    (void)timeout_ms;
    for (size_t i = 0; i < count; i++)
        results[i] = store_file_read(store, ids[i], &texts[i], why);
}

static void name_of(const struct store_settings *store, char *name, size_t size)
{
    snprintf(name, size, "directory %s", store->path);
}

const struct store_kind store_directory = {
    .name = name_of,
    .read = read_records,
};
