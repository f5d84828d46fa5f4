#include "policy/event.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/event_json.h"
#include "policy/sink.h"

static const struct {
    const char *name;
    enum log_level level;
    bool has_cooldown; /* it is not held back here */
} kinds[] = {
    [EVENT_CERTIFICATE_EXPIRED] = {"CertificateExpired", LOG_LEVEL_ERROR, true},
    [EVENT_CERTIFICATE_EXPIRING_SOON] = {"CertificateExpiringSoon", LOG_LEVEL_WARNING, true},
    [EVENT_PIN_MISMATCH] = {"PinMismatch", LOG_LEVEL_ERROR, false},
    [EVENT_PIN_UNRESOLVED] = {"PinUnresolved", LOG_LEVEL_ERROR, false},
    [EVENT_CLIENT_CERTIFICATE_UNAVAILABLE] = {"ClientCertificateUnavailable", LOG_LEVEL_ERROR, false},
    [EVENT_PEER_UNMATCHED] = {"PeerUnmatched", LOG_LEVEL_WARNING, false},
    [EVENT_PEER_UNNAMED] = {"PeerUnnamed", LOG_LEVEL_WARNING, false},
    [EVENT_POLICY_REJECTED] = {"PolicyRejected", LOG_LEVEL_ERROR, false},
    [EVENT_UNGOVERNED] = {"Ungoverned", LOG_LEVEL_ERROR, false},
};

/* In this order: the one that may have to wait comes last. */
static const struct sink *const sinks_known[] = {&sink_file, &sink_stderr, &sink_syslog, &sink_redis};
enum { SINK_COUNT = sizeof sinks_known / sizeof *sinks_known };

/* In the limit, sinks that fail are kinds of their own. */
enum { LIMIT_SINKS = sizeof kinds / sizeof *kinds };

static bool is_allowed(struct reporter *reporter, unsigned kind, const char *domain, unsigned *suppressed)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return event_limit_allows(&reporter->limit, kind, domain, now.tv_sec, suppressed);
}

/* A sink that fails once will fail often: it is said as seldom as an event. */
static void say_failed(struct reporter *reporter, size_t number, const char *target, const char *why)
{
    unsigned suppressed;
    if (is_allowed(reporter, LIMIT_SINKS + (unsigned)number, target, &suppressed))
        log_line(reporter, LOG_LEVEL_ERROR, "%s: the event could not be written: %s", target, why);
}

/* True: at least one has taken it. */
static bool put_named(struct reporter *reporter, const struct sink_event *event)
{
    bool taken = false;
    for (size_t i = 0; i < SINK_COUNT; i++) {
        char why[SINK_WHY_SIZE] = "";
        const char *target = sinks_known[i]->target(event->sinks);
        if (target == NULL)
            continue;
        if (sinks_known[i]->put(event, why))
            taken = true;
        else
            say_failed(reporter, i, target, why);
    }
    return taken;
}

/* Where there is no syslog either, what is left is the log. */
static void put_in_syslog(struct sink_event *event)
{
    static const struct event_sinks last = {.syslog = "daemon"};
    char why[SINK_WHY_SIZE];
    if (event->sinks != NULL && event->sinks->syslog != NULL)
        return; /* it has been tried */
    event->sinks = &last;
    sink_syslog.put(event, why);
}

static void put(struct reporter *reporter, struct sink_event *event)
{
    struct hostio io;
    hostio_enter(&io);
    if (event->sinks == NULL || !put_named(reporter, event))
        put_in_syslog(event);
    hostio_leave(&io);
}

void event_raise(struct reporter *reporter, const struct event_sinks *sinks, const struct event *event)
{
    unsigned suppressed = 0;
    if (!kinds[event->kind].has_cooldown && !is_allowed(reporter, event->kind, event->domain, &suppressed))
        return;
    const char *name = kinds[event->kind].name;
    /* A refusal is never silent, whatever the event's own level is. */
    enum log_level level = event->mode == MODE_ENFORCE ? LOG_LEVEL_ERROR : kinds[event->kind].level;
    log_line(reporter, level, "%s: %s", name, event->message);
    char *json = event_json(reporter, event, name, kinds[event->kind].level, suppressed);
    if (json == NULL)
        return;
    size_t length = strlen(json);
    json[length++] = '\n'; /* in place of the NUL */
    put(reporter, &(struct sink_event){.reporter = reporter,
                                       .sinks = sinks,
                                       .line = json,
                                       .length = length,
                                       .level = kinds[event->kind].level,
                                       .wait = event->wait});
    free(json);
}
