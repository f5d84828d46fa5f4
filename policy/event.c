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
static const struct sink *const sinks_known[] = {&sink_file, &sink_stderr, &sink_syslog, &sink_redis, NULL};

/* In the limit, sinks that fail are kinds of their own, and so is an event that goes nowhere. */
enum { LIMIT_NOWHERE = sizeof kinds / sizeof *kinds, LIMIT_SINKS };

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
    for (size_t i = 0; sinks_known[i] != NULL; i++) {
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

/* A line of the log is read by nobody who waits for events. */
static void say_untaken(struct reporter *reporter, const char *name, const char *why)
{
    unsigned suppressed;
    if (is_allowed(reporter, LIMIT_NOWHERE, NULL, &suppressed))
        log_line(
            reporter, LOG_LEVEL_ERROR,
            "%s: the event went nowhere: no sink of the policy takes it, and syslog does not take it: %s Or "
            "name another sink in the policy, as events: { stderr = true; }",
            name, why);
}

/* Has the policy named any sink? */
static bool is_named(const struct event_sinks *sinks)
{
    for (size_t i = 0; sinks != NULL && sinks_known[i] != NULL; i++) {
        if (sinks_known[i]->target(sinks) != NULL)
            return true;
    }
    return false;
}

/*
 * Where the policy names no sink and there is no syslog, as in most containers, nobody waits for events, and
 * their lines in the log are all that there is.
 */
static bool put_in_syslog(struct reporter *reporter, struct sink_event *event, const char *name)
{
    static const struct event_sinks last = {.syslog = "daemon"};
    char why[SINK_WHY_SIZE];
    bool named = is_named(event->sinks);
    if (event->sinks != NULL && event->sinks->syslog != NULL)
        return false; /* it has been tried, and that was said */
    event->sinks = &last;
    if (sink_syslog.put(event, why) || !named)
        return true;
    say_untaken(reporter, name, why);
    return false;
}

static bool put(struct reporter *reporter, struct sink_event *event, const char *name)
{
    struct hostio io;
    hostio_enter(&io);
    bool taken = (event->sinks != NULL && put_named(reporter, event)) || put_in_syslog(reporter, event, name);
    hostio_leave(&io);
    return taken;
}

static bool write_event(struct reporter *reporter, const struct event_sinks *sinks, const struct event *event,
                        unsigned suppressed)
{
    const char *name = kinds[event->kind].name;
    enum log_level level = kinds[event->kind].level;
    char *json = event_json(reporter, event, name, level, suppressed);
    if (json == NULL)
        return false;
    size_t length = strlen(json);
    json[length++] = '\n'; /* in place of the NUL */
    bool taken = put(reporter,
                     &(struct sink_event){.reporter = reporter,
                                          .sinks = sinks,
                                          .line = json,
                                          .length = length,
                                          .level = level,
                                          .wait = event->wait},
                     name);
    free(json);
    return taken;
}

/* One that nothing took is raised again at each use: its line does not come each time. */
static bool raise_of_monitor(struct reporter *reporter, const struct event_sinks *sinks,
                             const struct event *event, enum log_level level)
{
    unsigned suppressed;
    const char *id = event->certificate == NULL ? NULL : event->certificate->id;
    bool taken = write_event(reporter, sinks, event, 0);
    if (taken || is_allowed(reporter, event->kind, id, &suppressed))
        log_line(reporter, level, "%s: %s", kinds[event->kind].name, event->message);
    return taken;
}

bool event_raise(struct reporter *reporter, const struct event_sinks *sinks, const struct event *event)
{
    unsigned suppressed = 0;
    /* A refusal is never silent, whatever the event's own level is. */
    enum log_level level = event->mode == MODE_ENFORCE ? LOG_LEVEL_ERROR : kinds[event->kind].level;
    if (kinds[event->kind].has_cooldown)
        return raise_of_monitor(reporter, sinks, event, level);
    if (!is_allowed(reporter, event->kind, event->domain, &suppressed))
        return false;
    log_line(reporter, level, "%s: %s", kinds[event->kind].name, event->message);
    return write_event(reporter, sinks, event, suppressed);
}
