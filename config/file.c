#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/hostio.h"
#include "policy/text.h"
#include "policy/trust.h"

/* In the arena, or static. */
static const char *cannot_be_read(struct arena *arena)
{
    char words[128] = "unknown error";
    const char *said = strerror_r(errno, words, sizeof words);
    const char *why = arena_printf(arena, "cannot be read: %s", said);
    return why != NULL ? why : "cannot be read";
}

/* Words about the mode, and the command that mends it. */
static const char *say_mode(struct arena *arena, const char *words, mode_t mode, const char *change,
                            const char *path)
{
    const char *word = text_for_shell(arena, path);
    return word == NULL ? words
                        : arena_printf(arena, "%s (mode %04o); run: chmod %s %s", words,
                                       (unsigned)mode & 07777U, change, word);
}

/* Who may have written it? NULL: only those who may. */
static const char *distrust_writers(struct arena *arena, const struct stat *status, const char *path)
{
    char why[TRUST_WHY_SIZE];
    if (trust_writers(status, why))
        return NULL;
    return trust_owner(status)
               ? say_mode(arena, "is writable by others than its owner", status->st_mode, "go-w", path)
               : arena_printf(arena, "%s", why);
}

/* Its group may be that of the daemons which need the secret. */
static const char *distrust_readers(struct arena *arena, mode_t mode, const char *path)
{
    if ((mode & S_IRWXO) == 0)
        return NULL;
    return say_mode(arena, "is readable by others than its owner and group", mode, "o-rwx", path);
}

static const char *kind_fault(mode_t mode)
{
    if (S_ISREG(mode))
        return NULL;
    if (S_ISDIR(mode))
        return "is a directory, and not a regular file; only regular files are read";
    if (S_ISFIFO(mode))
        return "is a FIFO, and not a regular file; only regular files are read";
    return "is not a regular file; only regular files are read";
}

/* NULL: it may be trusted. */
static const char *distrust(struct arena *arena, const struct stat *status, const char *path, size_t limit,
                            enum file_secrecy secrecy)
{
    const char *why = kind_fault(status->st_mode);
    if (why == NULL && secrecy != FILE_ANYBODYS)
        why = distrust_writers(arena, status, path);
    if (why != NULL)
        return why;
    if (secrecy == FILE_SECRET && (why = distrust_readers(arena, status->st_mode, path)) != NULL)
        return why;
    if (status->st_size < 0 || (size_t)status->st_size > limit)
        return arena_printf(arena, "is larger than %zu bytes; that is the most allowed", limit);
    return NULL;
}

static const char *read_all(struct arena *arena, int descriptor, size_t expected, size_t limit,
                            struct file_text *text)
{
    /* One byte more than expected, so that the end is seen; the NUL; and room for a line end:
     * config/flatten.c */
    size_t size = expected + 3;
    text->length = 0;
    text->data = arena_grow(arena, NULL, size);
    while (text->data != NULL) {
        ssize_t got = read(descriptor, text->data + text->length, size - 1 - text->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot_be_read(arena);
        text->length += (size_t)got;
        if (text->length > limit)
            return arena_printf(arena, "is larger than %zu bytes; that is the most allowed", limit);
        if (got == 0) {
            text->data[text->length] = '\0';
            return NULL;
        }
        if (text->length == size - 1) { /* it grows under our hands */
            size *= 2;
            text->data = arena_grow(arena, text->data, size);
        }
    }
    return "there is not enough memory to read it";
}

/* Nothing half written shall count for long: what changed while it was read is to be read again. */
static bool is_still(int descriptor, const struct stat *before)
{
    struct stat now;
    return fstat(descriptor, &now) == 0 && now.st_size == before->st_size &&
           now.st_mtim.tv_sec == before->st_mtim.tv_sec && now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

enum file_result file_read(struct arena *arena, struct watch *watch, const char *path, size_t limit,
                           enum file_secrecy secrecy, struct file_text *text, const char **why)
{
    struct stat status;
    bool known = false;
    /* O_NONBLOCK: a FIFO must not hang the host, nor a device be waited for. */
    int descriptor = hostio_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (descriptor < 0) {
        *why = cannot_be_read(arena);
        if (watch != NULL)
            watch_add(watch, path, NULL);
        return FILE_UNREADABLE;
    }
    known = fstat(descriptor, &status) == 0;
    *why = known ? distrust(arena, &status, path, limit, secrecy) : "cannot be examined";
    if (*why == NULL) {
        text->device = status.st_dev;
        text->inode = status.st_ino;
        text->mode = status.st_mode;
        *why = read_all(arena, descriptor, (size_t)status.st_size, limit, text);
        known = *why == NULL && is_still(descriptor, &status);
    }
    if (watch != NULL)
        watch_add(watch, path, known ? &status : NULL);
    close(descriptor);
    if (*why == NULL && arena->failed)
        *why = "there is not enough memory to read it";
    return *why == NULL ? FILE_READ : FILE_REFUSED;
}

const char *file_readers_fault(struct arena *arena, const struct file_text *text, const char *path)
{
    return distrust_readers(arena, text->mode, path);
}

enum file_result file_examine_directory(struct arena *arena, struct watch *watch, const char *path,
                                        const char **why)
{
    struct stat status;
    bool found = stat(path, &status) == 0;
    *why = !found ? cannot_be_read(arena)
           : !S_ISDIR(status.st_mode)
               ? "is not a directory; allowed is a directory of certificates in PEM, as "
                 "'openssl rehash' names them"
               : distrust_writers(arena, &status, path);
    if (watch != NULL)
        watch_add(watch, path, found ? &status : NULL);
    if (*why == NULL && arena->failed)
        *why = "there is not enough memory to examine it";
    if (!found)
        return FILE_UNREADABLE;
    return *why == NULL ? FILE_READ : FILE_REFUSED;
}
