/* The text of an event: JSON (RFC 8259) on one line, its keys in a fixed order. */
#ifndef TLSGRAFT_EVENT_JSON_H
#define TLSGRAFT_EVENT_JSON_H

#include "policy/event.h"

/* The longest text in an event, in bytes: names from certificates may be much longer. A path fits. */
enum { EVENT_TEXT_MAX = 4096 };

/* malloc(3). NULL: memory is short. */
char *event_json(const struct reporter *reporter, const struct event *event, const char *name,
                 enum log_level level, unsigned suppressed);

#endif
