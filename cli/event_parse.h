/* The text of an event as a JSON object. No state; thread-safe. */
#ifndef TLSGRAFT_EVENT_PARSE_H
#define TLSGRAFT_EVENT_PARSE_H

#include <jansson.h>

#include "cli/event_source.h"

/*
 * NULL: no JSON object, or memory is short. A number that jansson cannot hold, which JSON allows, is null in
 * it. Release with json_decref().
 */
json_t *event_parse(const struct event_text *text);

#endif
