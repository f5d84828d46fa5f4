#include "cli/event_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "cli/output.h"

enum {
    COLUMN_TIME,
    COLUMN_LEVEL,
    COLUMN_EVENT,
    COLUMN_PEER,
    COLUMN_MODE,
    COLUMN_REASON,
    COLUMN_MESSAGE,
    COLUMNS
};

/* What most events fit into; the last column is as wide as it is. */
static const size_t widths[COLUMNS] = {20, 7, 14, 26, 7, 12, 0};

/* A JSON text may hold NULs, and may be longer than text_print() prints. NULL: no text, or memory is short.
 */
static char *escape(const json_t *value)
{
    if (!json_is_string(value))
        return NULL;
    const char *text = json_string_value(value);
    const char *end = text + json_string_length(value);
    size_t size = 4 * json_string_length(value) + 1;
    char *escaped = malloc(size);
    for (size_t used = 0; escaped != NULL; text++) {
        text_escape(escaped + used, size - used, text);
        used += strlen(escaped + used);
        text += strlen(text);
        if (text == end)
            break;
        used += (size_t)snprintf(escaped + used, size - used, "\\x00");
    }
    return escaped;
}

/* The domain and the port. Of a server without a name its address; an IPv6 address needs brackets then. */
static char *escape_peer(const json_t *event)
{
    const json_t *domain = json_object_get(event, "domain");
    const json_t *port = json_object_get(event, "port");
    char *name = escape(json_is_string(domain) ? domain : json_object_get(event, "peer_address"));
    if (!json_is_integer(port))
        return name;
    const char *host = name == NULL ? "" : name;
    bool brackets = host[0] != '[' && strchr(host, ':') != strrchr(host, ':');
    char *peer;
    if (asprintf(&peer, "%s%s%s:%" JSON_INTEGER_FORMAT, brackets ? "[" : "", host, brackets ? "]" : "",
                 json_integer_value(port)) < 0)
        peer = NULL;
    free(name);
    return peer;
}

/* Characters, not bytes, so that columns stay below each other. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static const char *colour_of(const char *level)
{
    return level == NULL                   ? ""
           : strcmp(level, "error") == 0   ? "\033[31m"
           : strcmp(level, "warning") == 0 ? "\033[33m"
                                           : "";
}

static void print_for_reader(char *const columns[COLUMNS], bool coloured)
{
    const char *colour = coloured ? colour_of(columns[COLUMN_LEVEL]) : "";
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *text = columns[i] == NULL || columns[i][0] == '\0' ? "-" : columns[i];
        bool painted = colour[0] != '\0' && (i == COLUMN_LEVEL || i == COLUMN_EVENT);
        printf("%s%s%s%s", i > 0 ? "  " : "", painted ? colour : "", text, painted ? "\033[0m" : "");
        for (size_t width = width_of(text); width < widths[i]; width++)
            putchar(' ');
    }
    putchar('\n');
}

static void print_plain(char *const columns[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        fputs(i > 0 ? "\t" : "", stdout);
        fputs(columns[i] == NULL ? "" : columns[i], stdout);
    }
    putchar('\n');
}

static void print_columns(const struct event_printer *printer, const json_t *event)
{
    char *columns[COLUMNS] = {
        [COLUMN_TIME] = escape(json_object_get(event, "timestamp")),
        [COLUMN_LEVEL] = escape(json_object_get(event, "level")),
        [COLUMN_EVENT] = escape(json_object_get(event, "event")),
        [COLUMN_PEER] = escape_peer(event),
        [COLUMN_MODE] = escape(json_object_get(event, "mode")),
        [COLUMN_REASON] = escape(json_object_get(event, "reason")),
        [COLUMN_MESSAGE] = escape(json_object_get(event, "message")),
    };
    if (printer->form == EVENT_FORM_READER)
        print_for_reader(columns, printer->coloured);
    else
        print_plain(columns);
    for (size_t i = 0; i < COLUMNS; i++)
        free(columns[i]);
}

/*
 * The object as it was found, without what a terminal could obey: control characters stand only between
 * tokens, where a space means the same; what text_control() tells only in texts.
 */
static void print_object(const struct event_text *text)
{
    for (size_t i = 0; i < text->length;) {
        bool between = (unsigned char)text->json[i] < 0x20;
        i +=
            between ? output_json_character(" ", 1) : output_json_character(text->json + i, text->length - i);
    }
}

void event_print(struct event_printer *printer, const struct event_text *text, const json_t *event)
{
    switch (printer->form) {
    case EVENT_FORM_PLAIN:
    case EVENT_FORM_READER:
        print_columns(printer, event);
        break;
    case EVENT_FORM_JSON_ARRAY:
        fputs(printer->count == 0 ? "[\n  " : ",\n  ", stdout);
        print_object(text);
        break;
    case EVENT_FORM_JSON_LINES:
        print_object(text);
        putchar('\n');
        break;
    }
    printer->count++;
}

void event_print_end(const struct event_printer *printer)
{
    if (printer->form == EVENT_FORM_JSON_ARRAY)
        fputs(printer->count == 0 ? "[]\n" : "\n]\n", stdout);
}

void event_print_broken(const struct event_printer *printer)
{
    if (printer->count > 0)
        event_print_end(printer);
}
