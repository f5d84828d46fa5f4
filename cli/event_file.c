/* Events from the file sink: what stands in it, and, where it is followed, what comes. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/event_lines.h"
#include "cli/event_source.h"
#include "cli/event_watch.h"
#include "cli/message.h"
#include "policy/hostio.h"

/* One file that is, or was, at the path. As long as it is open no other one has its inode. */
struct tail {
    int fd; /* -1: there is none */
    bool ended;
    struct file_identity identity;
    struct event_lines lines;
};

struct file {
    const char *path;
    bool follow;
    /*
     * The file before, and the one that is there now. After a rotation a process that had opened the former
     * may still write to it, so that it is read until the next rotation.
     */
    struct tail before;
    struct tail now;
    bool told; /* that the path leads to nothing that can be read */
    bool idle; /* everything has been read, and since then nothing has happened */
    struct event_watch watch;
};

static void tail_close(struct tail *tail)
{
    if (tail->fd >= 0)
        close(tail->fd);
    event_lines_clear(&tail->lines);
    *tail = (struct tail){.fd = -1};
}

/* Why the library cannot write its events to what is at the path; NULL: it can. */
static const char *kind_fault(mode_t mode)
{
    return S_ISREG(mode)    ? NULL
           : S_ISDIR(mode)  ? "it is a directory"
           : S_ISLNK(mode)  ? "it is a symbolic link"
           : S_ISFIFO(mode) ? "it is a FIFO"
                            : "it is no regular file";
}

enum opened { OPENED, OPENED_MISSING, OPENED_FAULTY };

/* Looked at before it is opened, for opening a FIFO or a device may do something. */
static enum opened tail_open(struct tail *tail, const char *path, char *why, size_t size)
{
    struct stat status;
    const char *fault = NULL;
    *tail = (struct tail){.fd = -1};
    if (lstat(path, &status) == 0 && (fault = kind_fault(status.st_mode)) == NULL)
        tail->fd = hostio_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (tail->fd >= 0 && fstat(tail->fd, &status) == 0)
        fault = kind_fault(status.st_mode);
    if (fault != NULL) {
        snprintf(why, size, "%s; name a regular file in the policy: no other one is written to", fault);
        tail_close(tail);
        return OPENED_FAULTY;
    }
    if (tail->fd >= 0) {
        file_identity_of(tail->fd, &tail->identity);
        return OPENED;
    }
    if (errno == ENOENT || errno == ENOTDIR)
        return OPENED_MISSING;
    bool denied = errno == EACCES || errno == EPERM;
    snprintf(why, size, "%s; %s", strerror(errno),
             denied ? "run this as a user who may read it" : "see what is wrong with the path");
    return OPENED_FAULTY;
}

static void tell_missing(const struct file *file)
{
    char copy[PATH_MAX];
    struct stat status;
    snprintf(copy, sizeof copy, "%s", file->path);
    const char *directory = dirname(copy);
    if (stat(directory, &status) != 0 || !S_ISDIR(status.st_mode))
        message_warning("events: %s: there is no directory %s, so that no event can be written; make it",
                        file->path, directory);
    else
        message_warning("events: %s: there is no such file: no event has been written yet%s", file->path,
                        file->follow ? "; waiting for the first" : "");
}

/* Where the file was cut off, what comes stands at its beginning. */
static void notice_truncation(struct tail *tail)
{
    struct stat status;
    off_t at = lseek(tail->fd, 0, SEEK_CUR);
    if (at < 0 || fstat(tail->fd, &status) != 0 || status.st_size >= at)
        return;
    event_lines_clear(&tail->lines);
    lseek(tail->fd, 0, SEEK_SET);
}

/* Does the path lead to another file than the one that is read? */
static bool is_exchanged(const struct file *file)
{
    struct stat status;
    if (lstat(file->path, &status) != 0)
        return false;
    return file->now.fd < 0 || status.st_dev != file->now.identity.device ||
           status.st_ino != file->now.identity.inode;
}

/*
 * Goes over to the file that is at the path now. True: something has changed, so that there may be lines.
 * What can not be read may be so for a moment only, while its owner and its mode are being set.
 */
static bool go_over(struct file *file)
{
    struct tail tail;
    char why[512];
    if (!is_exchanged(file))
        return false;
    if (event_lines_pending(&file->before.lines)) {
        file->before.ended = true; /* its half line is told now: nobody will complete it */
        return true;
    }
    switch (tail_open(&tail, file->path, why, sizeof why)) {
    case OPENED_MISSING:
        return false;
    case OPENED_FAULTY:
        if (!file->told)
            message_warning("events: %s: %s", file->path, why);
        file->told = true;
        return false;
    case OPENED:
        break;
    }
    file->told = false;
    if (file->now.fd >= 0) {
        tail_close(&file->before);
        file->before = file->now;
    }
    file->now = tail;
    return true;
}

static enum event_next next_of_tail(const struct file *file, struct tail *tail, struct event_text *text)
{
    if (tail->fd < 0)
        return EVENT_NEXT_NONE;
    switch (event_lines_next(&tail->lines, tail->fd, tail->ended, &text->json, &text->length)) {
    case EVENT_LINE_NONE:
        return EVENT_NEXT_NONE;
    case EVENT_LINE_FAILED:
        message_error("events: %s: %s; see what is wrong with the file", file->path, strerror(errno));
        return EVENT_NEXT_FAILED;
    case EVENT_LINE_WHOLE:
    case EVENT_LINE_TOO_LONG:
        break;
    }
    text->line = tail->lines.number;
    return EVENT_NEXT_TEXT;
}

static enum event_next next_of_tails(struct file *file, struct event_text *text)
{
    enum event_next next = next_of_tail(file, &file->before, text);
    return next == EVENT_NEXT_NONE ? next_of_tail(file, &file->now, text) : next;
}

/* What happens after the files were read to their ends is told by the watch, now or later. */
static enum event_next file_next(struct event_source *source, struct event_text *text)
{
    struct file *file = source->state;
    while (true) {
        enum event_next next = file->idle ? EVENT_NEXT_NONE : next_of_tails(file, text);
        if (next != EVENT_NEXT_NONE || !file->follow)
            return next;
        int happened = event_watch_take(&file->watch);
        if (happened < 0)
            return EVENT_NEXT_FAILED;
        if (file->idle && happened == 0)
            return EVENT_NEXT_NONE;
        if (file->now.fd >= 0)
            notice_truncation(&file->now);
        file->idle = !go_over(file) && happened == 0;
        if (file->idle)
            return EVENT_NEXT_NONE;
    }
}

static void file_close(struct event_source *source)
{
    struct file *file = source->state;
    tail_close(&file->before);
    tail_close(&file->now);
    if (file->follow)
        event_watch_close(&file->watch);
    free(file);
}

/* The watch comes first, so that nothing happens unseen between it and the first look. */
static bool open_all(struct file *file)
{
    char why[512];
    if (file->follow && !event_watch_open(&file->watch, file->path))
        return false;
    switch (tail_open(&file->now, file->path, why, sizeof why)) {
    case OPENED:
        file->now.ended = !file->follow;
        return true;
    case OPENED_MISSING:
        tell_missing(file);
        return true;
    case OPENED_FAULTY:
        break;
    }
    message_error("events: %s: %s", file->path, why);
    if (file->follow)
        event_watch_close(&file->watch);
    return false;
}

bool event_file_open(struct event_source *source, const char *path, bool follow)
{
    struct file *file = malloc(sizeof *file);
    if (file == NULL) {
        message_error("events: memory is short; free some");
        return false;
    }
    *file = (struct file){.path = path, .follow = follow, .before = {.fd = -1}, .now = {.fd = -1}};
    if (!open_all(file)) {
        free(file);
        return false;
    }
    *source = (struct event_source){.name = path,
                                    .next = file_next,
                                    .close = file_close,
                                    .descriptor = follow ? file->watch.descriptor : -1,
                                    .wait_ms = -1,
                                    .state = file};
    return true;
}
