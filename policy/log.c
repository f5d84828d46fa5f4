#include "policy/log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/text.h"

#define LINE_SIZE 2048

static const char *const names[] = {"off", "error", "warning", "info", "debug"};

const char *log_level_name(enum log_level level)
{
    return names[level];
}

/* hot: every process calls it at its start, and what is so marked lies in the same pages. */
__attribute__((hot)) enum log_level log_level_of(const char *word)
{
    static const enum log_level levels[] = {LOG_LEVEL_OFF, LOG_LEVEL_ERROR, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
    for (size_t i = 0; word != NULL && i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(word, names[levels[i]]) == 0)
            return levels[i];
    }
    return LOG_LEVEL_ERROR;
}

/* A pipe that nobody reads must not hang the host: what it does not take at once is lost. */
bool log_write_stderr(const struct reporter *reporter, const char *bytes, size_t length)
{
    while (length > 0) {
        struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
        /* One that has room takes as much as PIPE_BUF without waiting. */
        size_t part = length < PIPE_BUF ? length : PIPE_BUF;
        if (!file_is_still(STDERR_FILENO, &reporter->stderr_file) || poll(&room, 1, 0) != 1 ||
            (room.revents & POLLOUT) == 0)
            return false;
        ssize_t written = write(STDERR_FILENO, bytes, part);
        if (written <= 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

void log_line(const struct reporter *reporter, enum log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    if (level > reporter->level)
        return;
    int head = snprintf(line, sizeof line, "tlsgraft[%ld]: %s: ", (long)getpid(), names[level]);
    va_start(args, format);
    vsnprintf(line + head, sizeof line - (size_t)head - 1, format, args);
    va_end(args);
    text_for_terminal(line);
    size_t length = strlen(line);
    line[length++] = '\n';

    struct hostio io;
    hostio_enter(&io);
    /* The reason of a refusal is not to be lost with a log file. */
    if (reporter->log_file == NULL || !hostio_append(reporter->log_file, line, length))
        log_write_stderr(reporter, line, length);
    hostio_leave(&io);
}
