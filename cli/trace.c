#include "cli/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/deadline.h"

enum { OUTPUT_MAX = 1 << 20, SECONDS_MAX = 30, STREAMS = 2 };

/* One end of the loader's stdout or stderr, and what came through. */
struct stream {
    int read_end;
    int write_end;
    char *text; /* OUTPUT_MAX + 1 bytes */
    size_t length;
};

static bool is_named(const char *setting, const char *name)
{
    size_t length = strlen(name);
    return strncmp(setting, name, length) == 0 && setting[length] == '=';
}

/* Settings of the loader that change what it prints, or make it write files. */
static bool disturbs(const char *setting)
{
    static const char *const names[] = {
        "LD_PRELOAD",        "LD_TRACE_LOADED_OBJECTS",
        "LD_DEBUG",          "LD_DEBUG_OUTPUT",
        "LD_VERBOSE",        "LD_WARN",
        "LD_SHOW_AUXV",      "LD_PROFILE",
        "LD_PROFILE_OUTPUT", "LD_TRACE_PRELINKING",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (is_named(setting, names[i]))
            return true;
    }
    return false;
}

/* The environment that the program would get, with LD_PRELOAD and the request to list. */
static char **build_environment(char *preload)
{
    static char request[] = "LD_TRACE_LOADED_OBJECTS=1";
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    char **list = malloc((count + 3) * sizeof *list);
    if (list == NULL)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!disturbs(environ[i]))
            list[used++] = environ[i];
    }
    list[used++] = preload;
    list[used++] = request;
    list[used] = NULL;
    return list;
}

/*
 * Above the standard descriptors, which the caller may have closed: glibc 2.28 would not take O_CLOEXEC off
 * one that the child is to have under the number that it has already.
 */
static int move_up(int fd)
{
    if (fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return moved;
}

static bool open_stream(struct stream *stream)
{
    int ends[2];
    stream->text = malloc(OUTPUT_MAX + 1);
    if (stream->text == NULL || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    stream->read_end = move_up(ends[0]);
    stream->write_end = move_up(ends[1]);
    return stream->read_end >= 0 && stream->write_end >= 0;
}

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

static int spawn(pid_t *child, const char *loader, const char *program, char **environment,
                 const struct stream *streams)
{
    /* The loader would take a name with a dash for an option. */
    char *path = NULL;
    if (asprintf(&path, "%s%s", program[0] == '-' ? "./" : "", program) < 0)
        return ENOMEM;
    char *arguments[] = {(char *)loader, path, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        for (int i = 0; i < STREAMS && error == 0; i++)
            error = posix_spawn_file_actions_adddup2(&actions, streams[i].write_end, STDOUT_FILENO + i);
        if (error == 0)
            error = posix_spawn(child, loader, &actions, NULL, arguments, environment);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(path);
    return error;
}

/* Reads once; at the end of the stream its end is closed. False: it is too long. */
static bool drain(struct stream *stream)
{
    ssize_t got = read(stream->read_end, stream->text + stream->length, OUTPUT_MAX + 1 - stream->length);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0)
        close_end(&stream->read_end);
    else
        stream->length += (size_t)got;
    return stream->length <= OUTPUT_MAX;
}

/* Reads both streams to their ends. NULL: done; else why not. */
static const char *collect(struct stream *streams)
{
    const struct timespec deadline = deadline_in(1000 * SECONDS_MAX);
    while (streams[0].read_end >= 0 || streams[1].read_end >= 0) {
        /* poll passes over negative descriptors. */
        struct pollfd polled[STREAMS] = {{streams[0].read_end, POLLIN, 0}, {streams[1].read_end, POLLIN, 0}};
        int ready = poll(polled, STREAMS, deadline_left(&deadline));
        if (ready < 0 && errno != EINTR)
            return strerror(errno);
        if (ready == 0)
            return "it does not end";
        for (int i = 0; i < STREAMS && ready > 0; i++) {
            if (polled[i].revents != 0 && !drain(&streams[i]))
                return "it prints more than a megabyte";
        }
    }
    return NULL;
}

/* -1 also where SIGCHLD is ignored: then the kernel keeps no status. */
static int wait_for(pid_t child)
{
    int status;
    pid_t waited;
    do
        waited = waitpid(child, &status, 0);
    while (waited < 0 && errno == EINTR);
    return waited == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *run(struct trace *trace, const char *loader, const char *program, char **environment,
                       struct stream *streams)
{
    pid_t child;
    int error = spawn(&child, loader, program, environment, streams);
    for (int i = 0; i < STREAMS; i++)
        close_end(&streams[i].write_end);
    if (error != 0)
        return strerror(error);
    const char *fault = collect(streams);
    if (fault != NULL)
        kill(child, SIGKILL);
    trace->status = wait_for(child);
    return fault;
}

bool trace_program(struct trace *trace, const char *loader, const char *program, const char *preload,
                   char *why, size_t size)
{
    const char *fault = "not enough memory";
    struct stream streams[STREAMS] = {{-1, -1, NULL, 0}, {-1, -1, NULL, 0}};
    char *setting = NULL;
    char **environment = NULL;
    memset(trace, 0, sizeof *trace);
    if (asprintf(&setting, "LD_PRELOAD=%s", preload) < 0)
        setting = NULL;
    if (setting != NULL)
        environment = build_environment(setting);
    if (environment != NULL) {
        if (open_stream(&streams[0]) && open_stream(&streams[1]))
            fault = run(trace, loader, program, environment, streams);
        else
            fault = strerror(errno);
    }
    if (fault != NULL)
        snprintf(why, size, "%s", fault);
    for (int i = 0; i < STREAMS; i++) {
        close_end(&streams[i].read_end);
        close_end(&streams[i].write_end);
        if (streams[i].text != NULL)
            streams[i].text[fault == NULL ? streams[i].length : 0] = '\0';
    }
    trace->output = streams[0].text;
    trace->errors = streams[1].text;
    free(environment);
    free(setting);
    return fault == NULL;
}

void trace_free(struct trace *trace)
{
    free(trace->output);
    free(trace->errors);
    memset(trace, 0, sizeof *trace);
}

/* Cuts ` (0x00007f...)` off the end of a line. */
static void cut_address(char *text)
{
    char *last = NULL;
    for (char *at = text; (at = strstr(at, " (0x")) != NULL; at++)
        last = at;
    if (last != NULL)
        *last = '\0';
}

bool trace_next(char **at, struct trace_line *line)
{
    static const char arrow[] = " => ";
    char *text = *at;
    if (*text == '\0')
        return false;
    char *newline = strchr(text, '\n');
    *at = newline != NULL ? newline + 1 : text + strlen(text);
    if (newline != NULL)
        *newline = '\0';
    text += strspn(text, "\t");
    cut_address(text);
    line->name = text;
    line->path = text;
    char *path = strstr(text, arrow);
    if (path != NULL) {
        *path = '\0';
        path += sizeof arrow - 1;
        line->path = strcmp(path, "not found") == 0 ? NULL : path;
    }
    return true;
}
