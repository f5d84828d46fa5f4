/* Events on descriptor 2, as long as that is what it was when the program began. */
#include <stdio.h>

#include "policy/sink.h"

static const char *target(const struct event_sinks *sinks)
{
    return sinks->to_stderr ? "stderr" : NULL;
}

static bool put(const struct sink_event *event, char *why)
{
    if (log_write_stderr(event->reporter, event->line, event->length))
        return true;
    snprintf(why, SINK_WHY_SIZE,
             "it is closed, another file than at the start of the program, or a pipe that nobody reads; name "
             "another sink for this program");
    return false;
}

const struct sink sink_stderr = {target, put};
