/* Events from a stream of Redis: what stands in it, and, where it is followed, what comes. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/event_source.h"
#include "cli/message.h"
#include "policy/clock.h"
#include "policy/hostio.h"
#include "policy/store_redis_link.h"

enum {
    AT_ONCE = 32,    /* entries in one answer; one alone is as long as a record may be */
    BLOCK_MS = 5000, /* Redis answers by then though nothing has come; who is gone does not */
    RETRY_MS = 1000,
};

struct stream {
    const char *key;
    bool follow;
    char name[512];
    char why[STORE_WHY_SIZE];
    struct redis_link link;
    struct redis_reply *answer;     /* NULL: all of its entries have been told */
    size_t told;                    /* of these */
    char last[REDIS_ENTRY_ID_SIZE]; /* the id of the entry that was told last */
    unsigned long long number;      /* of the entries that were told */
    unsigned at_once;
    bool answered; /* it has been reached, once */
    bool lost;     /* and then not any more; the user has been told */
    int64_t until; /* what is under way: it has an answer by then, or is to be begun again */
    bool asked;    /* under way is a question; else the wait before it is tried again */
};

/* The entries of an answer to XREAD: [[KEY, [[ID, [FIELD, VALUE, ...]], ...]]]; NULL: it is none. */
static const struct redis_reply *entries_of(const struct redis_reply *answer)
{
    const struct redis_reply *stream = answer->count == 1 ? answer->elements[0] : NULL;
    if (stream == NULL || stream->count != 2 || stream->elements[1]->type != REDIS_IS_ARRAY)
        return NULL;
    return stream->elements[1];
}

/* What stands in an entry, which may be anybody's: without the field that we write it is an empty text. */
static void read_entry(struct stream *stream, const struct redis_reply *entry, struct event_text *text)
{
    *text = (struct event_text){.json = "", .line = ++stream->number};
    if (entry->count != 2 || entry->elements[0]->type != REDIS_IS_TEXT)
        return;
    const struct redis_reply *fields = entry->elements[1];
    snprintf(stream->last, sizeof stream->last, "%s", entry->elements[0]->text);
    for (size_t i = 0; i + 1 < fields->count; i += 2) {
        const struct redis_reply *field = fields->elements[i];
        const struct redis_reply *value = fields->elements[i + 1];
        if (field->type != REDIS_IS_TEXT || strcmp(field->text, "event") != 0 || value->type != REDIS_IS_TEXT)
            continue;
        text->json = value->text;
        text->length = value->length;
    }
}

/* False: all have been told. */
static bool next_entry(struct stream *stream, struct event_text *text)
{
    const struct redis_reply *entries = stream->answer == NULL ? NULL : entries_of(stream->answer);
    if (entries != NULL && stream->told < entries->count) {
        read_entry(stream, entries->elements[stream->told++], text);
        return true;
    }
    redis_reply_free(stream->answer);
    stream->answer = NULL;
    stream->told = 0;
    return false;
}

/* XREAD of what comes after the last one. `block`: waits for it. */
static bool ask(struct stream *stream, bool block)
{
    char most[16];
    char milliseconds[16];
    snprintf(most, sizeof most, "%u", stream->at_once);
    snprintf(milliseconds, sizeof milliseconds, "%d", BLOCK_MS);
    redis_link_renew(&stream->link);
    bool added = block ? redis_link_add_texts(&stream->link, "XREAD", "COUNT", most, "BLOCK", milliseconds,
                                              "STREAMS", stream->key, stream->last, NULL)
                       : redis_link_add_texts(&stream->link, "XREAD", "COUNT", most, "STREAMS", stream->key,
                                              stream->last, NULL);
    stream->asked = block;
    stream->until = clock_ms(CLOCK_MONOTONIC) + BLOCK_MS + stream->link.timeout_ms;
    return added && (!block || redis_link_send(&stream->link));
}

/* Digits, '-' and digits: so says Redis of it. */
static bool is_entry_id(const char *text)
{
    static const char digits[] = "0123456789";
    size_t time = strspn(text, digits);
    size_t number = text[time] == '-' ? strspn(text + time + 1, digits) : 0;
    return time > 0 && number > 0 && text[time + 1 + number] == '\0';
}

/* Passes over the entry of the only one that was asked for. False: which it is cannot be told. */
static bool skip_too_long(struct stream *stream)
{
    const char *id = stream->link.entry_id;
    if (!is_entry_id(id) || strcmp(id, stream->last) == 0) {
        snprintf(stream->why, sizeof stream->why,
                 "it answers something else than it was asked; is it Redis that listens there?");
        return false;
    }
    message_warning("events: %s: the entry %s is longer than 1 MiB, and was left out; see what writes such "
                    "entries there, and remove it: XDEL %s %s",
                    stream->name, id, stream->key, id);
    snprintf(stream->last, sizeof stream->last, "%s", id);
    stream->number++;
    return true;
}

/* An answer was too long: less is to be asked for, and of a single entry nothing. */
static bool go_past_too_long(struct stream *stream)
{
    if (stream->at_once == 1 && !skip_too_long(stream))
        return false;
    stream->at_once = 1;
    redis_link_renew(&stream->link);
    return redis_link_open(&stream->link);
}

enum taken { TAKEN_ENTRIES, TAKEN_NOTHING, TAKEN_AGAIN, TAKEN_FAILED };

/* Takes the answer. TAKEN_AGAIN: it was too long, and another question is to be asked. */
static enum taken take(struct stream *stream)
{
    redis_link_renew(&stream->link);
    stream->asked = false;
    struct redis_reply *reply = redis_link_reply(&stream->link);
    if (reply == NULL && stream->link.was_too_long)
        return go_past_too_long(stream) ? TAKEN_AGAIN : TAKEN_FAILED;
    if (reply == NULL)
        return TAKEN_FAILED;
    stream->answer = reply;
    if (reply->type == REDIS_IS_ARRAY && entries_of(reply) != NULL) {
        stream->at_once = AT_ONCE;
        return TAKEN_ENTRIES;
    }
    stream->answer = NULL;
    enum redis_type type = reply->type;
    if (type == REDIS_IS_ERROR)
        redis_error_fail(reply, stream->why);
    else if (type != REDIS_IS_NIL)
        snprintf(stream->why, sizeof stream->why,
                 "it answers something else than it was asked; is it Redis that listens there?");
    redis_reply_free(reply);
    return type == REDIS_IS_NIL ? TAKEN_NOTHING : TAKEN_FAILED;
}

/* Who follows goes on when it is back; but one that was never reached may be the wrong one. */
static enum event_next lose(struct stream *stream)
{
    redis_link_close(&stream->link);
    if (!stream->follow || !stream->answered) {
        message_error("events: %s: %s", stream->name, stream->why);
        return EVENT_NEXT_FAILED;
    }
    if (!stream->lost)
        message_warning("events: %s: %s; it is asked again every second", stream->name, stream->why);
    stream->lost = true;
    stream->asked = false;
    stream->until = clock_ms(CLOCK_MONOTONIC) + RETRY_MS;
    return EVENT_NEXT_NONE;
}

/* It answers. */
static void note_answer(struct stream *stream, enum taken taken)
{
    if (stream->lost)
        message_warning("events: %s: it is back", stream->name);
    if (!stream->answered && taken == TAKEN_NOTHING)
        message_warning("events: %s: there is no such stream: no event has been written yet%s", stream->name,
                        stream->follow ? "; waiting for the first" : "");
    stream->lost = false;
    stream->answered = true;
}

static bool is_readable(const struct stream *stream)
{
    struct pollfd file = {.fd = stream->link.descriptor, .events = POLLIN};
    return poll(&file, 1, 0) > 0;
}

/* Is there nothing to be done yet? */
static bool is_waiting(struct stream *stream)
{
    bool over = clock_ms(CLOCK_MONOTONIC) >= stream->until;
    if (!stream->asked)
        return stream->lost && !over;
    if (over && !is_readable(stream)) {
        redis_link_close(
            &stream->link); /* its end is told by the attempt to connect, or by the next answer */
        stream->asked = false;
        return false;
    }
    return !is_readable(stream);
}

static enum event_next next_of(struct stream *stream, struct event_text *text)
{
    while (!next_entry(stream, text)) {
        if (is_waiting(stream))
            return EVENT_NEXT_NONE;
        bool came = stream->asked;
        bool connected = stream->link.parser != NULL;
        if (!came && !connected) {
            redis_link_renew(&stream->link);
            connected = redis_link_open(&stream->link);
        }
        if (!came && !(connected && ask(stream, false)))
            return lose(stream);
        enum taken taken = take(stream);
        if (taken == TAKEN_FAILED)
            return lose(stream);
        if (taken != TAKEN_AGAIN)
            note_answer(stream, taken);
        if (taken != TAKEN_NOTHING)
            continue;
        if (stream->follow && !ask(stream, true))
            return lose(stream);
        return EVENT_NEXT_NONE;
    }
    return EVENT_NEXT_TEXT;
}

static enum event_next stream_next(struct event_source *source, struct event_text *text)
{
    struct stream *stream = source->state;
    struct hostio io;
    hostio_enter(&io);
    enum event_next next = next_of(stream, text);
    hostio_leave(&io);
    int64_t left = stream->until - clock_ms(CLOCK_MONOTONIC);
    source->descriptor = stream->asked ? stream->link.descriptor : -1;
    source->wait_ms = left > 0 ? (int)left : 0;
    return next;
}

static void stream_close(struct event_source *source)
{
    struct stream *stream = source->state;
    redis_reply_free(stream->answer);
    redis_link_close(&stream->link);
    free(stream);
}

bool event_redis_open(struct event_source *source, const struct event_sinks *sinks, bool follow)
{
    const struct store_settings *store = sinks->store;
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        message_error("events: memory is short; free some");
        return false;
    }
    *stream = (struct stream){.key = sinks->redis_stream, .follow = follow, .last = "0", .at_once = AT_ONCE};
    store_name(store, stream->name, sizeof stream->name);
    size_t used = strlen(stream->name);
    snprintf(stream->name + used, sizeof stream->name - used, ", stream %s", stream->key);
    redis_link_init(&stream->link, store, store->timeout_ms, stream->why);
    *source = (struct event_source){.name = stream->name,
                                    .next = stream_next,
                                    .close = stream_close,
                                    .descriptor = -1,
                                    .wait_ms = -1,
                                    .state = stream};
    return true;
}
