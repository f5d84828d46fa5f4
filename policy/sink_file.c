/* Events in a file that many processes may share: each a line, by one write(2). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/sink.h"

static const char *target(const struct event_sinks *sinks)
{
    return sinks->file;
}

static const char *words_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "its directory does not exist; create it";
    case EACCES:
    case EPERM:
        return "this user may not append to it; give it permission";
    case ELOOP:
        return "it is a symbolic link, which is not followed; name the file itself";
    case EISDIR:
    case EINVAL:
    case ENXIO:
        return "it is no regular file; name one that is";
    case ENOSPC:
    case EDQUOT:
        return "its disk is full; make room there";
    case EFBIG:
        return "with it, it would be longer than this process may make a file (ulimit -f); rotate it, or "
               "raise that limit";
    default:
        return NULL;
    }
}

static bool put(const struct sink_event *event, char *why)
{
    char error[128];
    if (hostio_append(event->sinks->file, event->line, event->length))
        return true;
    const char *words = words_of(errno);
    if (words != NULL)
        snprintf(why, SINK_WHY_SIZE, "%s", words);
    else
        snprintf(why, SINK_WHY_SIZE, "%s; make it a regular file that this user may append to",
                 strerror_r(errno, error, sizeof error));
    return false;
}

const struct sink sink_file = {target, put};
