#include "cli/event_place.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/state_place.h"
#include "policy/store_redis_link.h"

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

/* XLEN, for that is a question about the stream; who may only write to it may not ask it. */
static bool answers_of_stream(const struct event_sinks *events, char why[STORE_WHY_SIZE])
{
    static const char denied[] = "NOPERM";
    struct redis_link link;
    struct redis_reply *reply = NULL;
    redis_link_init(&link, events->store, events->store->timeout_ms, why);
    if (redis_link_open(&link) && redis_link_add_texts(&link, "XLEN", events->redis_stream, NULL))
        reply = redis_link_reply(&link);
    redis_link_close(&link);
    bool answers = reply != NULL;
    if (answers && reply->type == REDIS_IS_ERROR && strncmp(reply->text, denied, strlen(denied)) != 0) {
        redis_error_fail(reply, why);
        answers = false;
    }
    redis_reply_free(reply);
    return answers;
}

static void check_stream(const struct policy *policy)
{
    char name[256];
    char why[STORE_WHY_SIZE];
    if (policy->events.redis_stream == NULL || answers_of_stream(&policy->events, why))
        return;
    store_name(&policy->store, name, sizeof name);
    message_warning("%s: events.redis_stream: %s takes no events: %s", policy->path, name, why);
}

/* In the Redis of the store they need no directory but while that does not answer. */
static void check_state(const struct policy *policy)
{
    const struct expiry_settings *expiry = &policy->expiry;
    char why[STATE_DIRECTORY_WHY_SIZE];
    if (policy->store.type == STORE_REDIS ||
        (expiry->check_cooldown_seconds == 0 && expiry->event_cooldown_seconds == 0) ||
        state_place_takes(policy->state_directory, why))
        return;
    message_warning(
        "%s: state_directory: each process of this user (%lu) raises events of expiry for itself: %s",
        policy->path, (unsigned long)geteuid(), why);
}

void event_place_check(const struct policy *policy)
{
    const struct event_sinks *events = &policy->events;
    char why[WHY_SIZE];
    check_stream(policy);
    check_state(policy);
    if (events->file != NULL && !takes_events(events->file, why))
        message_warning("%s:%u: events.file: %s takes no events: %s", events->file_source.file,
                        events->file_source.line, events->file, why);
}
