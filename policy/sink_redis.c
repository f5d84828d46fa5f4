/* Events in a stream of Redis, that of the store: XADD, which also trims it to about a length. */
#include <stdio.h>

#include "policy/sink.h"
#include "policy/store_kind.h"
#include "policy/store_redis_ask.h"

static const char *target(const struct event_sinks *sinks)
{
    return sinks->redis_stream;
}

/* Takes the reply to XADD. */
static bool is_added(struct redis_reply *reply, char *why)
{
    bool added = reply->type == REDIS_IS_TEXT;
    if (reply->type == REDIS_IS_ERROR)
        redis_error_fail(reply, why);
    else if (!added)
        store_fail(why, "it answers something else than it was asked; is it Redis that listens there?");
    redis_reply_free(reply);
    return added;
}

static bool put(const struct sink_event *event, char *why)
{
    const struct event_sinks *sinks = event->sinks;
    char fault[STORE_WHY_SIZE] = "";
    char most[16];
    snprintf(most, sizeof most, "%u", sinks->redis_stream_maxlen);
    const struct redis_word words[] = {redis_word("XADD"),   redis_word(sinks->redis_stream),
                                       redis_word("MAXLEN"), redis_word("~"),
                                       redis_word(most),     redis_word("*"),
                                       redis_word("event"),  {event->line, event->length - 1}};
    struct redis_reply *reply =
        redis_ask(sinks->store, event->wait, words, sizeof words / sizeof *words, fault);
    if (reply != NULL && is_added(reply, fault))
        return true;
    snprintf(why, SINK_WHY_SIZE, "a stream in Redis %.120s: %.360s", sinks->store->address, fault);
    return false;
}

const struct sink sink_redis = {target, put};
