#include "policy/event.h"

#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/pin_json.h"
#include "policy/text.h"

#define LINE_SIZE 2048

static const struct {
    const char *name;
    const char *level_name;
    enum log_level level;
} kinds[] = {
    [EVENT_CERTIFICATE_EXPIRED] = {"CertificateExpired", "error", LOG_LEVEL_ERROR},
    [EVENT_CERTIFICATE_EXPIRING_SOON] = {"CertificateExpiringSoon", "warning", LOG_LEVEL_WARNING},
    [EVENT_PIN_MISMATCH] = {"PinMismatch", "error", LOG_LEVEL_ERROR},
    [EVENT_PIN_UNRESOLVED] = {"PinUnresolved", "error", LOG_LEVEL_ERROR},
    [EVENT_CLIENT_CERTIFICATE_UNAVAILABLE] = {"ClientCertificateUnavailable", "error", LOG_LEVEL_ERROR},
    [EVENT_PEER_UNMATCHED] = {"PeerUnmatched", "warning", LOG_LEVEL_WARNING},
    [EVENT_PEER_UNNAMED] = {"PeerUnnamed", "warning", LOG_LEVEL_WARNING},
    [EVENT_POLICY_REJECTED] = {"PolicyRejected", "error", LOG_LEVEL_ERROR},
    [EVENT_UNGOVERNED] = {"Ungoverned", "error", LOG_LEVEL_ERROR},
};

enum log_level log_level_of(const char *word)
{
    static const struct {
        const char *word;
        enum log_level level;
    } levels[] = {{"off", LOG_LEVEL_OFF},
                  {"error", LOG_LEVEL_ERROR},
                  {"info", LOG_LEVEL_INFO},
                  {"debug", LOG_LEVEL_DEBUG}};
    for (size_t i = 0; word != NULL && i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(word, levels[i].word) == 0)
            return levels[i].level;
    }
    return LOG_LEVEL_ERROR;
}

/* A pipe that nobody reads must not hang the host: what it does not take at once is lost. */
static void write_stderr(const struct reporter *reporter, const char *bytes, size_t length)
{
    while (length > 0 && file_is_still(STDERR_FILENO, &reporter->stderr_file)) {
        struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
        /* One that has room takes as much as PIPE_BUF without waiting. */
        size_t part = length < PIPE_BUF ? length : PIPE_BUF;
        if (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0)
            return;
        ssize_t written = write(STDERR_FILENO, bytes, part);
        if (written <= 0)
            return;
        bytes += written;
        length -= (size_t)written;
    }
}

void log_line(const struct reporter *reporter, enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"off", "error", "warning", "info", "debug"};
    char line[LINE_SIZE];
    va_list args;
    if (level > reporter->level)
        return;
    int head = snprintf(line, sizeof line, "tlsgraft[%ld]: %s: ", (long)getpid(), names[level]);
    va_start(args, format);
    vsnprintf(line + head, sizeof line - (size_t)head - 1, format, args);
    va_end(args);
    text_for_terminal(line);
    size_t length = strlen(line);
    line[length++] = '\n';

    struct hostio io;
    hostio_enter(&io);
    /* The reason of a refusal is not to be lost with a log file. */
    if (reporter->log_file == NULL || !hostio_append(reporter->log_file, line, length))
        write_stderr(reporter, line, length);
    hostio_leave(&io);
}

static void add_text(json_t *object, const char *key, const char *text)
{
    char clean[LINE_SIZE];
    if (text == NULL || text[0] == '\0')
        return;
    text_to_utf8(text, clean, sizeof clean);
    json_object_set_new(object, key, json_string(clean));
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

/* The order of the keys is part of the format; jansson keeps the order of insertion. */
static char *to_json(const struct reporter *reporter, const struct event *event, unsigned suppressed)
{
    json_object_seed(1); /* else the first object opens /dev/urandom in the host; our keys are all known */
    json_t *object = json_object();
    char now[TEXT_TIME_SIZE];
    text_of_time(time(NULL), now);
    add_text(object, "event", kinds[event->kind].name);
    add_text(object, "level", kinds[event->kind].level_name);
    add_text(object, "message", event->message);
    add_text(object, "timestamp", now);
    add_text(object, "domain", event->domain);
    if (event->port != 0)
        json_object_set_new(object, "port", json_integer(event->port));
    add_text(object, "peer_address", event->peer_address);
    if (event->rule != NULL) {
        char rule[LINE_SIZE];
        snprintf(rule, sizeof rule, "%s:%u", event->rule->file, event->rule->line);
        add_text(object, "rule", rule);
    }
    add_text(object, "mode", mode_name(event->mode));
    if (event->reason != REASON_NONE)
        add_text(object, "reason", reason_name(event->reason));
    add_pins(object, event);
    add_text(object, "program", reporter->program);
    json_object_set_new(object, "pid", json_integer(getpid()));
    add_text(object, "policy", event->policy_path);
    if (suppressed > 0)
        json_object_set_new(object, "suppressed", json_integer(suppressed));
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void write_sinks(const struct reporter *reporter, const struct event_sinks *sinks, char *json)
{
    struct hostio io;
    size_t length = strlen(json);
    json[length++] = '\n'; /* in place of the NUL: one write, so that lines of processes never mix */
    hostio_enter(&io);
    bool lost = sinks->file != NULL && !hostio_append(sinks->file, json, length);
    if (sinks->to_stderr)
        write_stderr(reporter, json, length);
    hostio_leave(&io);
    if (lost)
        log_line(reporter, LOG_LEVEL_ERROR,
                 "%s: the event could not be written; make it a regular file that this user may append to",
                 sinks->file);
}

void event_raise(struct reporter *reporter, const struct event_sinks *sinks, const struct event *event)
{
    struct timespec now;
    unsigned suppressed;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!event_limit_allows(&reporter->limit, event->kind, event->domain, now.tv_sec, &suppressed))
        return;
    /* A refusal is never silent, whatever the event's own level is. */
    enum log_level level = event->mode == MODE_ENFORCE ? LOG_LEVEL_ERROR : kinds[event->kind].level;
    log_line(reporter, level, "%s: %s", kinds[event->kind].name, event->message);
    if (sinks == NULL || (sinks->file == NULL && !sinks->to_stderr))
        return;
    char *json = to_json(reporter, event, suppressed);
    if (json == NULL)
        return;
    write_sinks(reporter, sinks, json);
    free(json);
}
