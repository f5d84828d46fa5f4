#include "config/events.h"

#include <stdio.h>
#include <string.h>

#include "config/nearest.h"
#include "config/settings.h"

static const char default_state_directory[] = "/run/tlsgraft";

enum events_setting {
    EVENTS_FILE,
    EVENTS_STDERR,
    EVENTS_SYSLOG,
    EVENTS_STREAM,
    EVENTS_STREAM_MAXLEN,
    EVENTS_STATE_DIRECTORY
};
static const struct setting events_settings[] = {
    [EVENTS_FILE] = {.name = "file", .type = SETTING_TEXT},
    [EVENTS_STDERR] = {.name = "stderr", .type = SETTING_BOOLEAN},
    [EVENTS_SYSLOG] = {.name = "syslog", .type = SETTING_TEXT},
    [EVENTS_STREAM] = {.name = "redis_stream", .type = SETTING_TEXT},
    [EVENTS_STREAM_MAXLEN] = {.name = "redis_stream_maxlen",
                              .type = SETTING_INTEGER,
                              .least = 1,
                              .most = 2147483647},
    [EVENTS_STATE_DIRECTORY] = {.name = "state_directory", .type = SETTING_TEXT},
    {.name = NULL},
};

/* Of syslog(3), but kern, which is the kernel's own. */
static const char *const facilities[] = {
    "user", "mail",   "daemon", "auth",   "syslog", "lpr",    "news",   "cron",   "authpriv",
    "ftp",  "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
};
enum { FACILITY_COUNT = sizeof facilities / sizeof *facilities };

static void say_facilities(struct load *load, const config_setting_t *setting, const char *word)
{
    struct source at = load_source(load, setting);
    const char *nearest = nearest_word(word, facilities, FACILITY_COUNT);
    char meant[64] = "";
    if (nearest != NULL)
        snprintf(meant, sizeof meant, "; did you mean \"%s\"?", nearest);
    load_say(load, CONFIG_ERROR, &at,
             "syslog: \"%.80s\"%s; allowed are the facilities \"user\", \"mail\", \"daemon\", \"auth\", "
             "\"syslog\", \"lpr\", \"news\", \"cron\", \"authpriv\", \"ftp\" and \"local0\" to \"local7\"%s",
             word, strcmp(word, "kern") == 0 ? ", which is the kernel's own" : "", meant);
}

static const char *read_facility(struct load *load, const config_setting_t *setting)
{
    const char *word = config_setting_get_string(setting);
    for (size_t i = 0; i < FACILITY_COUNT; i++) {
        if (strcmp(facilities[i], word) == 0)
            return facilities[i];
    }
    say_facilities(load, setting, word);
    return NULL;
}

static const char *read_stream(struct load *load, const config_setting_t *setting)
{
    struct source at = load_source(load, setting);
    const char *key = config_setting_get_string(setting);
    if (key[0] == '\0')
        load_say(load, CONFIG_ERROR, &at, "redis_stream: empty; allowed is the key of a stream");
    if (load->policy->store.type != STORE_REDIS)
        load_say(load, CONFIG_ERROR, &at,
                 "redis_stream: the stream is in the Redis of the section 'store', and the store is of the "
                 "type \"directory\"; write store: { type = \"redis\"; ... }, or remove it");
    return arena_text(&load->policy->arena, key, strlen(key));
}

static const char *read_state_directory(struct load *load, const config_setting_t *in_group,
                                        const config_setting_t *at_top)
{
    const config_setting_t *setting = in_group != NULL ? in_group : at_top;
    if (setting == NULL)
        return default_state_directory;
    if (in_group != NULL && at_top != NULL) {
        struct source at = load_source(load, at_top);
        struct source other = load_source(load, in_group);
        load_say(load, CONFIG_ERROR, &at,
                 "state_directory: it stands in the group 'events' too, at %s:%u; allowed is one of them",
                 other.file, other.line);
    }
    return settings_path(load, setting);
}

void events_section_read(struct load *load, const config_setting_t *group,
                         const config_setting_t *state_directory)
{
    const config_setting_t *found[SETTINGS_MAX] = {NULL};
    struct event_sinks *events = &load->policy->events;
    events->store = &load->policy->store;
    if (group != NULL)
        settings_read(load, group, events_settings, found);
    if (found[EVENTS_FILE] != NULL) {
        events->file = settings_path(load, found[EVENTS_FILE]);
        events->file_source = load_source(load, found[EVENTS_FILE]);
    }
    events->to_stderr = found[EVENTS_STDERR] != NULL && config_setting_get_bool(found[EVENTS_STDERR]) != 0;
    if (found[EVENTS_SYSLOG] != NULL)
        events->syslog = read_facility(load, found[EVENTS_SYSLOG]);
    if (found[EVENTS_STREAM] != NULL)
        events->redis_stream = read_stream(load, found[EVENTS_STREAM]);
    events->redis_stream_maxlen = settings_number(found[EVENTS_STREAM_MAXLEN], 100000);
    load->policy->state_directory =
        read_state_directory(load, found[EVENTS_STATE_DIRECTORY], state_directory);
}
