#include "config/pin_rules.h"

#include "config/anchors.h"
#include "config/date.h"
#include "config/elements.h"
#include "config/keys.h"
#include "config/rules.h"

static const struct word targets[] = {
    {"leaf", TARGET_LEAF, false}, {"chain", TARGET_CHAIN, false}, {"", 0, false}};
static const struct word verifies[] = {{"program", VERIFY_PROGRAM, false},
                                       {"require", VERIFY_REQUIRE, false},
                                       {"pin", VERIFY_PIN, false},
                                       {"", 0, false}};
static const struct word versions[] = {{"1.0", TLS_1_0, false},
                                       {"1.1", TLS_1_1, false},
                                       {"1.2", TLS_1_2, false},
                                       {"1.3", TLS_1_3, false},
                                       {"", 0, false}};
static const struct word expiries[] = {
    {"report", AFTER_EXPIRY_REPORT, false}, {"refuse", AFTER_EXPIRY_REFUSE, false}, {"", 0, false}};

enum pin_setting {
    PIN_DOMAIN,
    PIN_KEYS,
    PIN_TARGET,
    PIN_VERIFY,
    PIN_MIN_VERSION,
    PIN_EXPIRES,
    PIN_AFTER_EXPIRY,
    PIN_CA_FILE,
    PIN_CA_PATH,
    PIN_MODE
};
static const struct setting pin_settings[] = {
    [PIN_DOMAIN] = {.name = "domain", .type = SETTING_TEXTS, .required = true},
    [PIN_KEYS] = {.name = "keys", .type = SETTING_TEXTS},
    [PIN_TARGET] = {.name = "target", .type = SETTING_WORD, .words = targets},
    [PIN_VERIFY] = {.name = "verify", .type = SETTING_WORD, .words = verifies},
    [PIN_MIN_VERSION] = {.name = "min_version", .type = SETTING_WORD, .words = versions},
    [PIN_EXPIRES] = {.name = "expires", .type = SETTING_DATE},
    [PIN_AFTER_EXPIRY] = {.name = "after_expiry", .type = SETTING_WORD, .words = expiries},
    [PIN_CA_FILE] = {.name = "ca_file", .type = SETTING_TEXT},
    [PIN_CA_PATH] = {.name = "ca_path", .type = SETTING_TEXT},
    [PIN_MODE] = {.name = "mode", .type = SETTING_WORD, .words = rules_modes},
    {.name = NULL},
};

static int word_of(const config_setting_t *const *found, enum pin_setting which, int otherwise)
{
    return settings_word(&pin_settings[which], found[which], otherwise);
}

/* What the settings of one rule must be together. */
static void check_pin_rule(struct load *load, const struct pin_rule *rule,
                           const config_setting_t *const *found)
{
    const struct source *at = &rule->source;
    bool keys = found[PIN_KEYS] != NULL;
    if (!keys && rule->mode != MODE_OFF && rule->min_version == TLS_OLDER && rule->verify != VERIFY_REQUIRE)
        load_say(load, CONFIG_ERROR, at,
                 "keys: missing; the rule must ask for something (keys, min_version, verify = \"require\"), "
                 "or be an exception with mode = \"off\"");
    if (!keys && rule->verify == VERIFY_PIN)
        load_say(load, CONFIG_ERROR, at, "verify: \"pin\" without keys; add keys to the rule");
    if (rule->verify == VERIFY_PIN && rule->target == TARGET_CHAIN)
        load_say(load, CONFIG_ERROR, at, "verify: \"pin\" with target \"chain\"; allowed is target \"leaf\"");
    if (!keys && rule->target == TARGET_CHAIN)
        load_say(load, CONFIG_ERROR, at, "target: \"chain\" without keys; add keys to the rule");
    if (!keys && rule->expires)
        load_say(load, CONFIG_ERROR, at,
                 "expires: without keys, of which it is the end; add keys to the rule");
    if (found[PIN_AFTER_EXPIRY] != NULL && !rule->expires)
        load_say(load, CONFIG_ERROR, at, "after_expiry: without expires; add expires = \"YYYY-MM-DD\"");
    if ((found[PIN_CA_FILE] != NULL || found[PIN_CA_PATH] != NULL) && rule->verify != VERIFY_REQUIRE &&
        rule->target != TARGET_CHAIN)
        load_say(load, CONFIG_WARNING, at,
                 "%s: it has no effect, as the rule verifies nothing; add verify = \"require\" or target = "
                 "\"chain\", or remove it",
                 pin_settings[found[PIN_CA_FILE] != NULL ? PIN_CA_FILE : PIN_CA_PATH].name);
}

/* False: memory is short. */
static bool fill_pin_rule(struct load *load, struct pin_rule *rule, const config_setting_t *const *found)
{
    rule->mode = (enum mode)word_of(found, PIN_MODE, MODE_UNSET);
    rule->target = (enum target)word_of(found, PIN_TARGET, TARGET_LEAF);
    rule->verify = (enum verify)word_of(found, PIN_VERIFY, VERIFY_PROGRAM);
    rule->min_version = (enum tls_version)word_of(found, PIN_MIN_VERSION, TLS_OLDER);
    rule->after_expiry = (enum after_expiry)word_of(found, PIN_AFTER_EXPIRY, AFTER_EXPIRY_REPORT);
    rule->expires =
        found[PIN_EXPIRES] != NULL && date_read(config_setting_get_string(found[PIN_EXPIRES]), &rule->expiry);
    rule->anchors = load->policy->anchors;
    if (found[PIN_CA_FILE] != NULL || found[PIN_CA_PATH] != NULL)
        rule->anchors = anchors_read(load, found[PIN_CA_FILE], found[PIN_CA_PATH]);
    return rule->anchors != NULL;
}

/* NULL: memory is short. */
static struct pin_rule *read_pin_rule(const struct rule_list *list, const config_setting_t *group)
{
    struct load *load = list->load;
    const config_setting_t *found[SETTINGS_MAX];
    int errors = load->errors;
    settings_read(load, group, pin_settings, found);
    bool right = load->errors == errors;
    struct pin_rule *rule = arena_alloc(&load->policy->arena, sizeof *rule);
    if (rule == NULL)
        return NULL;
    rule->source = load_source(load, group);
    if (!fill_pin_rule(load, rule, found))
        return NULL;
    /* A setting that is there and wrong has been reported; that it is missing would be said in error. */
    if (right)
        check_pin_rule(load, rule, found);
    if (found[PIN_KEYS] != NULL)
        keys_read(load, found[PIN_KEYS], rule);
    if (found[PIN_DOMAIN] != NULL)
        rules_add_domains(list, found[PIN_DOMAIN], &rule->source);
    return rule;
}

static bool add_pin_rule(const struct rule_list *list, const config_setting_t *group)
{
    struct policy *policy = list->load->policy;
    struct pin_rule *rule = read_pin_rule(list, group);
    if (rule == NULL)
        return false;
    policy->pin_rules[policy->pin_rule_count++] = rule;
    return true;
}

void pin_rules_read(struct load *load, const config_setting_t *setting, struct rule_index *index)
{
    const struct rule_list list = {load, index};
    struct policy *policy = load->policy;
    size_t count = elements_count(load, setting);
    if (count == 0)
        return;
    struct pin_rule **rules = arena_grow(&policy->arena, policy->pin_rules,
                                         (policy->pin_rule_count + count) * sizeof(struct pin_rule *));
    if (rules == NULL) {
        load_no_memory(load);
        return;
    }
    policy->pin_rules = rules;
    rules_read(&list, setting, add_pin_rule);
}
