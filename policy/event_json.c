#include "policy/event_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/pin_json.h"
#include "policy/text.h"

/* Not on the stack: an event may be raised on a small one. */
static void add_text(json_t *object, const char *key, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    size_t size = strnlen(text, EVENT_TEXT_MAX) + 1;
    char *clean = malloc(size);
    if (clean == NULL)
        return;
    text_to_utf8(text, clean, size);
    json_object_set_new(object, key, json_string(clean));
    free(clean);
}

static void add_integer(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

static void add_time(json_t *object, const char *key, time_t time)
{
    char text[TEXT_TIME_SIZE];
    text_of_time(time, text);
    add_text(object, key, text);
}

static void add_certificate(json_t *object, const struct event *event)
{
    const struct event_certificate *certificate = event->certificate;
    bool expired = event->kind == EVENT_CERTIFICATE_EXPIRED;
    if (certificate == NULL)
        return;
    add_text(object, "cert_id", certificate->id);
    add_text(object, "cert_name", certificate->name);
    add_time(object, expired ? "expired_at" : "expires_at", (time_t)certificate->not_after);
    add_integer(object, expired ? "days_since_expiry" : "days_remaining", certificate->days);
    add_text(object, "cert_role", certificate->role);
}

static void add_peer(json_t *object, const struct event *event)
{
    add_text(object, "domain", event->domain);
    if (event->port != 0)
        add_integer(object, "port", event->port);
    add_text(object, "peer_address", event->peer_address);
}

static void add_rule(json_t *object, const struct source *rule)
{
    char *text = NULL;
    if (rule == NULL || asprintf(&text, "%s:%u", rule->file, rule->line) < 0)
        return;
    add_text(object, "rule", text);
    free(text);
}

struct expected_pins {
    const struct policy *policy;
    json_t *array;
};

static bool add_expected(const struct pin_rule *rule, const struct key *key, void *context)
{
    const struct expected_pins *expected = context;
    const struct pin *pin = policy_key_pin(expected->policy, key);
    (void)rule;
    if (pin != NULL)
        pin_add_to_json(expected->array, pin);
    return false;
}

static void add_pins(json_t *object, const struct event *event)
{
    if (event->presented != NULL) {
        json_t *presented = json_array();
        pin_add_to_json(presented, event->presented);
        json_object_set_new(object, "presented", presented);
    }
    if (event->expected == NULL)
        return;
    struct expected_pins expected = {event->expected->policy, json_array()};
    requirement_each_key(event->expected, add_expected, &expected);
    json_object_set_new(object, "expected", expected.array);
}

/*
 * Escapes what jansson does not, though whoever reads the line on a terminal would see it obeyed: it stands
 * in texts alone. NULL: memory is short. `json` is freed.
 */
static char *escape_controls(char *json)
{
    enum { ESCAPE = sizeof "\\u0000" - 1 };
    size_t left = json == NULL ? 0 : strlen(json);
    char *escaped = json == NULL ? NULL : malloc(left * ESCAPE + 1);
    char *out = escaped;
    for (const char *in = json; escaped != NULL && left > 0;) {
        unsigned code;
        size_t length = text_control(in, left, &code);
        if (length > 0)
            out += sprintf(out, "\\u%04x", code);
        else
            *out++ = *in;
        in += length > 0 ? length : 1;
        left -= length > 0 ? length : 1;
    }
    if (escaped != NULL)
        *out = '\0';
    free(json);
    return escaped;
}

/* The order of the keys is part of the format; jansson keeps the order of insertion. */
char *event_json(const struct reporter *reporter, const struct event *event, const char *name,
                 enum log_level level, unsigned suppressed)
{
    json_object_seed(1); /* else the first object opens /dev/urandom in the host; our keys are all known */
    json_t *object = json_object();
    add_text(object, "event", name);
    add_text(object, "level", log_level_name(level));
    add_text(object, "message", event->message);
    add_time(object, "timestamp", time(NULL));
    add_certificate(object, event);
    add_peer(object, event);
    add_rule(object, event->rule);
    add_text(object, "mode", mode_name(event->mode));
    if (event->reason != REASON_NONE)
        add_text(object, "reason", reason_name(event->reason));
    add_pins(object, event);
    add_text(object, "program", reporter->program);
    add_integer(object, "pid", getpid());
    add_text(object, "policy", event->policy_path);
    if (suppressed > 0)
        add_integer(object, "suppressed", suppressed);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return escape_controls(text);
}
