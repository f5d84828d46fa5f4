#include "cli/event_place.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/message.h"

enum { WHY_SIZE = PATH_MAX + 256 };

/* NULL: a regular file. */
static const char *kind_fault(mode_t mode)
{
    if (S_ISREG(mode))
        return NULL;
    if (S_ISLNK(mode))
        return "it is a symbolic link, which is not followed; name the file itself";
    if (S_ISDIR(mode))
        return "it is a directory; name a file in it";
    if (S_ISFIFO(mode))
        return "it is a FIFO, and only regular files are written; name another file";
    return "it is a device or a socket, and only regular files are written; name another file";
}

static bool may(const char *path, int what, char why[WHY_SIZE])
{
    if (eaccess(path, what) == 0)
        return true;
    snprintf(why, WHY_SIZE,
             "this user (%lu) cannot write to %.4096s: %s; programs that run as this user lose their events: "
             "give it permission",
             (unsigned long)geteuid(), path, strerror(errno));
    return false;
}

/* The file is not there: could it be made? */
static bool may_be_made(const char *file, char why[WHY_SIZE])
{
    char directory[PATH_MAX];
    struct stat status;
    const char *slash = strrchr(file, '/');
    int length = slash == NULL ? 0 : slash == file ? 1 : (int)(slash - file);
    snprintf(directory, sizeof directory, "%.*s", length, file);
    if (stat(directory, &status) == 0)
        return may(directory, W_OK | X_OK, why);
    if (errno == ENOENT)
        snprintf(why, WHY_SIZE, "the directory %.4096s does not exist; create it", directory);
    else
        snprintf(why, WHY_SIZE, "%.4096s: %s; mend the path", directory, strerror(errno));
    return false;
}

static bool takes_events(const char *file, char why[WHY_SIZE])
{
    struct stat status;
    bool found = lstat(file, &status) == 0;
    if (!found && errno == ENOENT)
        return may_be_made(file, why);
    if (!found) {
        snprintf(why, WHY_SIZE, "%s; mend the path", strerror(errno));
        return false;
    }
    const char *fault = kind_fault(status.st_mode);
    if (fault == NULL)
        return may(file, W_OK, why);
    snprintf(why, WHY_SIZE, "%s", fault);
    return false;
}

void event_place_check(const struct policy *policy)
{
    const struct event_sinks *events = &policy->events;
    char why[WHY_SIZE];
    if (events->file != NULL && !takes_events(events->file, why))
        message_warning("%s:%u: events.file: %s takes no events: %s", events->file_source.file,
                        events->file_source.line, events->file, why);
}
