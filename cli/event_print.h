/*
 * Printing events to stdout.
 *
 * JSON: an array, or one object a line; each object stands there as it was found, so that the order of its
 * keys and its numbers are kept. Else a line of columns (timestamp, level, event, domain and port, mode,
 * reason, message): to a pipe with tabs between, empty where an event lacks one; aligned for a reader.
 */
#ifndef TLSGRAFT_EVENT_PRINT_H
#define TLSGRAFT_EVENT_PRINT_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/event_source.h"

enum event_form { EVENT_FORM_PLAIN, EVENT_FORM_READER, EVENT_FORM_JSON_ARRAY, EVENT_FORM_JSON_LINES };

struct event_printer {
    enum event_form form;
    bool coloured;            /* EVENT_FORM_READER: by level */
    unsigned long long count; /* of those that were printed; starts at 0 */
};

/* `event` is the JSON object of `text`. */
void event_print(struct event_printer *printer, const struct event_text *text, const json_t *event);

/* After the last one. */
void event_print_end(const struct event_printer *printer);

/* In its place, where the source fails: what was begun is closed, and where there is nothing yet it stays so.
 */
void event_print_broken(const struct event_printer *printer);

#endif
