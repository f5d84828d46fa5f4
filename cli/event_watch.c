#include "cli/event_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli/message.h"

enum { BUFFER_SIZE = 16 << 10 };

#define DIRECTORY_EVENTS                                                                                     \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |       \
     IN_ONLYDIR)

static bool fail(const char *what)
{
    int error = errno;
    const char *cure = error == ENOSPC   ? "raise the sysctl fs.inotify.max_user_watches"
                       : error == EMFILE ? "raise the sysctl fs.inotify.max_user_instances"
                       : error == EACCES ? "run this as a user who may list its directory"
                                         : "without --follow the events can be read once";
    message_error("events: %s: it cannot be watched: %s; %s", what, strerror(error), cure);
    return false;
}

static bool is_not_there(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

/*
 * Every directory on the way, for each of them may be exchanged. One that may be searched but not listed
 * cannot be watched, and is passed over; but the last one that exists must be.
 */
static bool watch_directories(const struct event_watch *watch)
{
    char directory[PATH_MAX];
    int error = 0;
    for (const char *slash = watch->path; slash != NULL; slash = strchr(slash + 1, '/')) {
        int length = slash == watch->path ? 1 : (int)(slash - watch->path);
        snprintf(directory, sizeof directory, "%.*s", length, watch->path);
        bool watched = inotify_add_watch(watch->descriptor, directory, DIRECTORY_EVENTS) >= 0;
        if (!watched && is_not_there(errno))
            break;
        error = watched ? 0 : errno;
        if (!watched && error != EACCES)
            break;
    }
    errno = error;
    return error == 0 || fail(watch->path);
}

/*
 * The file before stays watched, for who had it open may still write to it. One that cannot be read, and one
 * that is not there, are noticed by their directory when that changes.
 */
static bool watch_file(struct event_watch *watch)
{
    int added = inotify_add_watch(watch->descriptor, watch->path, IN_MODIFY | IN_DONT_FOLLOW);
    if (added < 0)
        return is_not_there(errno) || errno == EACCES || fail(watch->path);
    if (added == watch->file)
        return true;
    if (watch->before >= 0 && watch->before != added)
        inotify_rm_watch(watch->descriptor, watch->before);
    watch->before = watch->file;
    watch->file = added;
    return true;
}

bool event_watch_open(struct event_watch *watch, const char *path)
{
    *watch = (struct event_watch){inotify_init1(IN_NONBLOCK | IN_CLOEXEC), path, -1, -1};
    if (watch->descriptor < 0)
        return fail(path);
    if (watch_directories(watch) && watch_file(watch))
        return true;
    event_watch_close(watch);
    return false;
}

/* Is `name` one of those that the path consists of? What else happens in a directory is nothing to us. */
static bool is_on_the_way(const struct event_watch *watch, const char *name)
{
    size_t length = strlen(name);
    const char *at = watch->path;
    while ((at = strchr(at, '/')) != NULL) {
        at++;
        if (strncmp(at, name, length) == 0 && (at[length] == '/' || at[length] == '\0'))
            return true;
    }
    return false;
}

int event_watch_take(struct event_watch *watch)
{
    _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
    bool any = false;
    bool moved = false;
    while (true) {
        ssize_t got = read(watch->descriptor, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno != EAGAIN) {
            fail(watch->path);
            return -1;
        }
        if (got <= 0)
            break;
        for (ssize_t at = 0; at < got;) {
            struct inotify_event event;
            memcpy(&event, buffer + at, sizeof event);
            const char *name = buffer + at + sizeof event;
            if (event.len == 0 || is_on_the_way(watch, name)) {
                any = true;
                moved = moved || event.mask != IN_MODIFY;
            }
            at += (ssize_t)(sizeof event + event.len);
        }
    }
    if (moved && !(watch_directories(watch) && watch_file(watch)))
        return -1;
    return any;
}

void event_watch_close(struct event_watch *watch)
{
    close(watch->descriptor);
    watch->descriptor = -1;
}
