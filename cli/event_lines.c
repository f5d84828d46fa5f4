#include "cli/event_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10 };

bool event_lines_pending(const struct event_lines *lines)
{
    return lines->end > lines->start || lines->too_long;
}

void event_lines_clear(struct event_lines *lines)
{
    free(lines->data);
    *lines = (struct event_lines){0};
}

/* Hands out what stands before `end`, and goes on at `next`. */
static enum event_line hand_out(struct event_lines *lines, size_t end, size_t next, const char **line,
                                size_t *length)
{
    bool too_long = lines->too_long || end - lines->start > EVENT_LINE_MAX;
    *line = lines->data + lines->start;
    *length = too_long ? 0 : end - lines->start;
    lines->start = next;
    lines->searched = next;
    lines->too_long = false;
    lines->number++;
    return too_long ? EVENT_LINE_TOO_LONG : EVENT_LINE_WHOLE;
}

/* Moves the half line to the front, and sees to it that there is room behind it. */
static bool make_room(struct event_lines *lines)
{
    if (lines->end - lines->start > EVENT_LINE_MAX) {
        lines->too_long = true;
        lines->start = lines->end;
    }
    size_t kept = lines->end - lines->start;
    if (lines->start > 0)
        memmove(lines->data, lines->data + lines->start, kept);
    lines->start = 0;
    lines->searched = kept;
    lines->end = kept;
    if (lines->capacity - kept >= READ_SIZE)
        return true;
    size_t capacity = 2 * kept + READ_SIZE;
    char *data = realloc(lines->data, capacity);
    if (data == NULL)
        return false;
    lines->data = data;
    lines->capacity = capacity;
    return true;
}

enum event_line event_lines_next(struct event_lines *lines, int fd, bool ended, const char **line,
                                 size_t *length)
{
    while (true) {
        size_t unsearched = lines->end - lines->searched;
        const char *found = unsearched > 0 ? memchr(lines->data + lines->searched, '\n', unsearched) : NULL;
        if (found != NULL) {
            size_t at = (size_t)(found - lines->data);
            return hand_out(lines, at, at + 1, line, length);
        }
        if (!make_room(lines))
            return EVENT_LINE_FAILED;
        ssize_t got;
        do {
            got = read(fd, lines->data + lines->end, READ_SIZE);
        } while (got < 0 && errno == EINTR);
        if (got < 0)
            return EVENT_LINE_FAILED;
        if (got == 0 && ended && event_lines_pending(lines))
            return hand_out(lines, lines->end, lines->end, line, length);
        if (got == 0)
            return EVENT_LINE_NONE;
        lines->end += (size_t)got;
    }
}
