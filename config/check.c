#include "config/check.h"

#include <string.h>
#include <sys/stat.h>

#include "config/anchors.h"
#include "config/environment.h"
#include "config/file.h"
#include "config/rules.h"
#include "config/sections.h"
#include "config/settings.h"
#include "policy/text.h"

#define SECRET_FILE_MAX ((size_t)64 << 10)

static const struct word modes[] = {{"enforce", MODE_ENFORCE, false},
                                    {"report", MODE_REPORT, false},
                                    {"learn", MODE_REPORT, true},
                                    {"off", MODE_OFF, false},
                                    {NULL, 0, false}};
/* Of peers without a rule, or without a name. */
static const struct word peer_words[] = {{"allow", ABOUT_ALLOW, false},
                                         {"report", ABOUT_REPORT, false},
                                         {"refuse", ABOUT_REFUSE, false},
                                         {NULL, 0, false}};
static const struct word ungoverned_words[] = {{"allow", 0, false}, {"report", 1, false}, {NULL, 0, false}};
static const struct word store_types[] = {{"directory", 0, false}, {"redis", 1, false}, {NULL, 0, false}};

enum top_setting {
    TOP_MODE,
    TOP_ORGANISATION,
    TOP_UNMATCHED,
    TOP_UNNAMED,
    TOP_UNGOVERNED,
    TOP_CA_FILE,
    TOP_CA_PATH,
    TOP_STORE,
    TOP_SECURITY,
    TOP_PROGRAMS,
    TOP_EVENTS
};
static const struct setting top_settings[] = {
    [TOP_MODE] = {.name = "mode", .type = SETTING_WORD, .words = modes},
    [TOP_ORGANISATION] = {.name = "organisation", .type = SETTING_TEXT},
    [TOP_UNMATCHED] = {.name = "unmatched", .type = SETTING_WORD, .words = peer_words},
    [TOP_UNNAMED] = {.name = "unnamed", .type = SETTING_WORD, .words = peer_words},
    [TOP_UNGOVERNED] = {.name = "ungoverned", .type = SETTING_WORD, .words = ungoverned_words},
    [TOP_CA_FILE] = {.name = "ca_file", .type = SETTING_TEXT},
    [TOP_CA_PATH] = {.name = "ca_path", .type = SETTING_TEXT},
    [TOP_STORE] = {.name = "store", .type = SETTING_GROUP},
    [TOP_SECURITY] = {.name = "security", .type = SETTING_GROUP},
    [TOP_PROGRAMS] = {.name = "programs", .type = SETTING_LIST},
    [TOP_EVENTS] = {.name = "events", .type = SETTING_GROUP},
    {.name = "version", .type = SETTING_INTEGER, .least = 1, .most = 1, .required = true},
    {.name = "state_directory", .type = SETTING_TEXT, .later = true},
    {.name = NULL},
};

static const struct setting store_settings[] = {
    {.name = "type", .type = SETTING_WORD, .words = store_types, .later = true},
    {.name = "path", .type = SETTING_TEXT, .later = true},
    {.name = "address", .type = SETTING_TEXT, .later = true},
    {.name = "username", .type = SETTING_TEXT, .later = true},
    {.name = "password_file", .type = SETTING_TEXT, .later = true},
    {.name = "database", .type = SETTING_INTEGER, .least = 0, .most = 2147483647, .later = true},
    {.name = "timeout_ms", .type = SETTING_INTEGER, .least = 1, .most = 10000, .later = true},
    {.name = "cache_seconds", .type = SETTING_INTEGER, .least = 0, .most = 86400, .later = true},
    {.name = "stale_seconds", .type = SETTING_INTEGER, .least = 0, .most = 604800, .later = true},
    {.name = "prefetch", .type = SETTING_BOOLEAN, .later = true},
    {.name = NULL},
};

enum security_setting {
    SECURITY_SECRET,
    SECURITY_SECRET_FILE,
    SECURITY_PINS,
    SECURITY_UPSTREAM,
    SECURITY_MONITOR
};
static const struct setting security_settings[] = {
    [SECURITY_SECRET] = {.name = "private_certificate_encoding_secret", .type = SETTING_TEXT, .later = true},
    [SECURITY_SECRET_FILE] = {.name = "private_certificate_encoding_secret_file",
                              .type = SETTING_TEXT,
                              .later = true},
    [SECURITY_PINS] = {.name = "pinned_public_keys", .type = SETTING_LIST},
    [SECURITY_UPSTREAM] = {.name = "upstream_certificates", .type = SETTING_LIST},
    [SECURITY_MONITOR] = {.name = "certificate_expiry_monitor", .type = SETTING_GROUP},
    {.name = NULL},
};

static const struct setting monitor_settings[] = {
    {.name = "warning_threshold_days", .type = SETTING_INTEGER, .least = 0, .most = 3650, .later = true},
    {.name = "check_cooldown_seconds", .type = SETTING_INTEGER, .least = 0, .most = 31536000, .later = true},
    {.name = "event_cooldown_seconds", .type = SETTING_INTEGER, .least = 0, .most = 31536000, .later = true},
    {.name = NULL},
};

enum events_setting { EVENTS_FILE, EVENTS_STDERR };
static const struct setting events_settings[] = {
    [EVENTS_FILE] = {.name = "file", .type = SETTING_TEXT},
    [EVENTS_STDERR] = {.name = "stderr", .type = SETTING_BOOLEAN},
    {.name = "syslog", .type = SETTING_TEXT, .later = true},
    {.name = "redis_stream", .type = SETTING_TEXT, .later = true},
    {.name = "redis_stream_maxlen", .type = SETTING_INTEGER, .least = 1, .most = 2147483647, .later = true},
    {.name = NULL},
};

static void check_secret_file(struct load *load, const config_setting_t *setting)
{
    struct file_text text;
    const char *why;
    const char *path = settings_path(load, setting);
    struct source at = load_source(load, setting);
    if (path != NULL && file_read(&load->scratch, load->watch, path, SECRET_FILE_MAX, FILE_SECRET, &text,
                                  &why) == FILE_REFUSED)
        load_say(load, CONFIG_ERROR, &at, "%s: %s %s", config_setting_name(setting), path, why);
}

/* The file is the policy, or one that it includes. */
static void check_secret_in_place(struct load *load, const config_setting_t *setting)
{
    struct stat status;
    struct source at = load_source(load, setting);
    const char *word = text_for_shell(&load->scratch, at.file);
    if (word != NULL && stat(at.file, &status) == 0 && (status.st_mode & (S_IRGRP | S_IROTH)) != 0)
        load_say(
            load, CONFIG_WARNING, &at,
            "%s: it stands in a file that others can read (mode %04o); write it into a file of its own and "
            "name that in private_certificate_encoding_secret_file, or run: chmod go-r %s",
            config_setting_name(setting), (unsigned)status.st_mode & 07777U, word);
}

static void read_security(struct load *load, const config_setting_t *group)
{
    const config_setting_t *found[SETTINGS_MAX] = {NULL};
    const config_setting_t *monitor[SETTINGS_MAX];
    if (group != NULL)
        settings_read(load, group, security_settings, found);
    environment_check(load, NULL, security_settings);
    environment_check(load, security_settings[SECURITY_MONITOR].name, monitor_settings);
    if (found[SECURITY_SECRET] != NULL && found[SECURITY_SECRET_FILE] != NULL) {
        struct source at = load_source(load, found[SECURITY_SECRET_FILE]);
        load_say(load, CONFIG_ERROR, &at, "%s: the secret is given in place too; allowed is one of them",
                 security_settings[SECURITY_SECRET_FILE].name);
    }
    if (found[SECURITY_SECRET] != NULL)
        check_secret_in_place(load, found[SECURITY_SECRET]);
    if (found[SECURITY_SECRET_FILE] != NULL)
        check_secret_file(load, found[SECURITY_SECRET_FILE]);
    if (found[SECURITY_MONITOR] != NULL)
        settings_read(load, found[SECURITY_MONITOR], monitor_settings, monitor);
    rules_read_pins(load, found[SECURITY_PINS], &load->policy->pins);
    rules_read_upstream(load, found[SECURITY_UPSTREAM]);
}

static void read_events_file(struct load *load, const config_setting_t *setting)
{
    load->policy->events.file = settings_path(load, setting);
    load->policy->events.file_source = load_source(load, setting);
}

static void read_events(struct load *load, const config_setting_t *group)
{
    const config_setting_t *found[SETTINGS_MAX];
    settings_read(load, group, events_settings, found);
    if (found[EVENTS_FILE] != NULL)
        read_events_file(load, found[EVENTS_FILE]);
    if (found[EVENTS_STDERR] != NULL)
        load->policy->events.to_stderr = config_setting_get_bool(found[EVENTS_STDERR]) != 0;
}

void check_policy(struct load *load, const config_setting_t *root)
{
    const config_setting_t *found[SETTINGS_MAX];
    const config_setting_t *store[SETTINGS_MAX];
    struct policy *policy = load->policy;
    settings_read(load, root, top_settings, found);
    policy->anchors = anchors_read(load, found[TOP_CA_FILE], found[TOP_CA_PATH]);
    if (policy->anchors == NULL) {
        load_no_memory(load);
        return;
    }
    policy->mode = (enum mode)settings_word(&top_settings[TOP_MODE], found[TOP_MODE], MODE_ENFORCE);
    policy->unmatched =
        (enum about)settings_word(&top_settings[TOP_UNMATCHED], found[TOP_UNMATCHED], ABOUT_ALLOW);
    policy->unnamed = (enum about)settings_word(&top_settings[TOP_UNNAMED], found[TOP_UNNAMED], ABOUT_REPORT);
    policy->report_ungoverned = settings_word(&top_settings[TOP_UNGOVERNED], found[TOP_UNGOVERNED], 1) == 1;
    const char *organisation =
        found[TOP_ORGANISATION] == NULL ? "" : config_setting_get_string(found[TOP_ORGANISATION]);
    policy->organisation = arena_text(&policy->arena, organisation, strlen(organisation));
    if (found[TOP_STORE] != NULL)
        settings_read(load, found[TOP_STORE], store_settings, store);
    read_security(load, found[TOP_SECURITY]);
    sections_read(load, found[TOP_PROGRAMS]);
    if (found[TOP_EVENTS] != NULL)
        read_events(load, found[TOP_EVENTS]);
}
