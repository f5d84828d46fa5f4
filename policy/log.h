/*
 * The log: a line of text for each event, and for what is of use when a policy does not do what was meant.
 *
 * Threads: a reporter may be used by any thread at any time.
 */
#ifndef TLSGRAFT_LOG_H
#define TLSGRAFT_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/hostio.h"
#include "policy/limit.h"

enum log_level { LOG_LEVEL_OFF, LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where a process reports to. The owner fills it once, before other threads use it. */
struct reporter {
    enum log_level level;
    const char *log_file;             /* NULL: stderr */
    struct file_identity stderr_file; /* what descriptor 2 was at start; written to only while it still is */
    const char *program;              /* path of the executable; NULL: not known */
    struct event_limit limit;
};

/* A line of the log, if the reporter's level includes `level`. */
void log_line(const struct reporter *reporter, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "error", "off", "info" or "debug"; LOG_LEVEL_ERROR for NULL and for anything else. */
enum log_level log_level_of(const char *word);

/* "error", "warning", ... */
const char *log_level_name(enum log_level level);

/*
 * Writes to descriptor 2 as long as that is what it was at start; between hostio_enter() and hostio_leave().
 * False: it is another file, or does not take all of it at once, and the rest is lost.
 */
bool log_write_stderr(const struct reporter *reporter, const char *bytes, size_t length);

#endif
