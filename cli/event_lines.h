/* The lines of a file that may grow while it is read. Memory is bounded by the longest line. */
#ifndef TLSGRAFT_EVENT_LINES_H
#define TLSGRAFT_EVENT_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* No event is as long: of a longer line nothing is kept. */
enum { EVENT_LINE_MAX = 4 << 20 };

/* Zeroed: nothing has been read yet. Freed with event_lines_clear(). */
struct event_lines {
    char *data;
    size_t capacity;
    size_t start;              /* of the line that is being read */
    size_t searched;           /* up to here no line break was found */
    size_t end;                /* of what has been read */
    unsigned long long number; /* of the lines that were handed out */
    bool too_long;             /* the beginning of this line has been thrown away */
};

enum event_line {
    EVENT_LINE_WHOLE,
    EVENT_LINE_TOO_LONG, /* more than EVENT_LINE_MAX bytes; handed out as an empty one */
    EVENT_LINE_NONE,     /* the end of the file; half a line is kept for when it has grown */
    EVENT_LINE_FAILED,   /* errno tells */
};

/*
 * The next line of the file open as `fd`, without its line break. `*line` is valid until the next call.
 * `ended`: the file does not grow any more, so what stands behind its last line break is a line too.
 */
enum event_line event_lines_next(struct event_lines *lines, int fd, bool ended, const char **line,
                                 size_t *length);

/* Is half a line kept? */
bool event_lines_pending(const struct event_lines *lines);

/* Forgets everything, as if nothing had been read, and frees the memory. */
void event_lines_clear(struct event_lines *lines);

#endif
