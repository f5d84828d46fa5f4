#include "config/check.h"

#include <string.h>

#include "config/anchors.h"
#include "config/events.h"
#include "config/ids.h"
#include "config/monitor.h"
#include "config/pin_rules.h"
#include "config/secret.h"
#include "config/sections.h"
#include "config/settings.h"
#include "config/store.h"
#include "config/upstream_rules.h"
#include "policy/record.h"

static const struct word modes[] = {{"enforce", MODE_ENFORCE, false},
                                    {"report", MODE_REPORT, false},
                                    {"learn", MODE_REPORT, true},
                                    {"off", MODE_OFF, false},
                                    {"", 0, false}};
/* Of peers without a rule, or without a name. */
static const struct word peer_words[] = {{"allow", ABOUT_ALLOW, false},
                                         {"report", ABOUT_REPORT, false},
                                         {"refuse", ABOUT_REFUSE, false},
                                         {"", 0, false}};
static const struct word ungoverned_words[] = {{"allow", 0, false}, {"report", 1, false}, {"", 0, false}};

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
    TOP_EVENTS,
    TOP_STATE_DIRECTORY
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
    [TOP_STATE_DIRECTORY] = {.name = "state_directory", .type = SETTING_TEXT},
    {.name = "version", .type = SETTING_INTEGER, .least = 1, .most = 1, .required = true},
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
    [SECURITY_SECRET] = {.name = "private_certificate_encoding_secret", .type = SETTING_TEXT},
    [SECURITY_SECRET_FILE] = {.name = "private_certificate_encoding_secret_file", .type = SETTING_TEXT},
    [SECURITY_PINS] = {.name = "pinned_public_keys", .type = SETTING_LIST},
    [SECURITY_UPSTREAM] = {.name = "upstream_certificates", .type = SETTING_LIST},
    [SECURITY_MONITOR] = {.name = "certificate_expiry_monitor", .type = SETTING_GROUP},
    {.name = NULL},
};

static void read_security(struct load *load, const config_setting_t *group)
{
    const config_setting_t *found[SETTINGS_MAX] = {NULL};
    if (group != NULL)
        settings_read(load, group, security_settings, found);
    secret_read(load, found[SECURITY_SECRET], found[SECURITY_SECRET_FILE]);
    monitor_section_read(load, found[SECURITY_MONITOR]);
    pin_rules_read(load, found[SECURITY_PINS], &load->policy->pins);
    upstream_rules_read(load, found[SECURITY_UPSTREAM], &load->policy->upstream);
    load->policy->id_count = ids_collect(load, &(struct ids_first){0, 0}, NULL, 0, &load->policy->ids);
}

/* It begins the ids of its records. */
static void read_organisation(struct load *load, const config_setting_t *setting)
{
    const char *text = setting == NULL ? "" : config_setting_get_string(setting);
    const char *fault = text[0] == '\0' ? NULL : record_id_fault(text);
    if (fault == NULL && strlen(text) > RECORD_ID_MAX - RECORD_HASH_DIGITS)
        fault = "it has more than 186 characters";
    if (fault != NULL) {
        struct source at = load_source(load, setting);
        load_say(load, CONFIG_ERROR, &at,
                 "organisation: \"%.80s\" cannot begin a certificate id: %s; allowed is "
                 "the id of an organisation of the gateway, or any word",
                 text, fault);
    }
    load->policy->organisation = arena_text(&load->policy->arena, text, strlen(text));
}

void check_policy(struct load *load, const config_setting_t *root)
{
    const config_setting_t *found[SETTINGS_MAX];
    struct policy *policy = load->policy;
    settings_read(load, root, top_settings, found);
    policy->anchors = anchors_read(load, found[TOP_CA_FILE], found[TOP_CA_PATH]);
    read_organisation(load, found[TOP_ORGANISATION]);
    if (policy->anchors == NULL || policy->organisation == NULL) {
        load_no_memory(load);
        return;
    }
    policy->mode = (enum mode)settings_word(&top_settings[TOP_MODE], found[TOP_MODE], MODE_ENFORCE);
    policy->unmatched =
        (enum about)settings_word(&top_settings[TOP_UNMATCHED], found[TOP_UNMATCHED], ABOUT_ALLOW);
    policy->unnamed = (enum about)settings_word(&top_settings[TOP_UNNAMED], found[TOP_UNNAMED], ABOUT_REPORT);
    policy->report_ungoverned = settings_word(&top_settings[TOP_UNGOVERNED], found[TOP_UNGOVERNED], 1) == 1;
    store_section_read(load, found[TOP_STORE]);
    read_security(load, found[TOP_SECURITY]);
    sections_read(load, found[TOP_PROGRAMS]);
    events_section_read(load, found[TOP_EVENTS], found[TOP_STATE_DIRECTORY]);
    store_section_resolve(load, found[TOP_STORE]);
}
