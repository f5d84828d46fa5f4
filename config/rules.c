#include "config/rules.h"

#include "config/keys.h"
#include "config/settings.h"

static const struct word rule_modes[] = {{"enforce", MODE_ENFORCE, false},
                                         {"report", MODE_REPORT, false},
                                         {"off", MODE_OFF, false},
                                         {NULL, 0, false}};
static const struct word targets[] = {{"leaf", 0, false}, {"chain", 1, true}, {NULL, 0, false}};
static const struct word verifies[] = {{"program", VERIFY_PROGRAM, false},
                                       {"require", VERIFY_REQUIRE, true},
                                       {"pin", VERIFY_PIN, true},
                                       {NULL, 0, false}};
static const struct word versions[] = {
    {"1.0", 0, false}, {"1.1", 1, false}, {"1.2", 2, false}, {"1.3", 3, false}, {NULL, 0, false}};
static const struct word expiries[] = {{"report", 0, false}, {"refuse", 1, false}, {NULL, 0, false}};

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
    [PIN_MIN_VERSION] = {.name = "min_version", .type = SETTING_WORD, .words = versions, .later = true},
    [PIN_EXPIRES] = {.name = "expires", .type = SETTING_DATE, .later = true},
    [PIN_AFTER_EXPIRY] = {.name = "after_expiry", .type = SETTING_WORD, .words = expiries, .later = true},
    [PIN_CA_FILE] = {.name = "ca_file", .type = SETTING_TEXT, .later = true},
    [PIN_CA_PATH] = {.name = "ca_path", .type = SETTING_TEXT, .later = true},
    [PIN_MODE] = {.name = "mode", .type = SETTING_WORD, .words = rule_modes},
    {.name = NULL},
};

enum upstream_setting { UP_DOMAIN, UP_CERTIFICATE };
static const struct setting upstream_settings[] = {
    [UP_DOMAIN] = {.name = "domain", .type = SETTING_TEXTS, .required = true},
    [UP_CERTIFICATE] = {.name = "certificate", .type = SETTING_TEXTS, .required = true},
    {.name = "required", .type = SETTING_BOOLEAN},
    {.name = "keep_program_certificate", .type = SETTING_BOOLEAN},
    {.name = "mode", .type = SETTING_WORD, .words = rule_modes},
    {.name = NULL},
};

enum program_setting { PROGRAM_NAME, PROGRAM_MATCH, PROGRAM_PINS, PROGRAM_UPSTREAM };
static const struct setting program_settings[] = {
    [PROGRAM_NAME] = {.name = "name", .type = SETTING_TEXT, .required = true},
    [PROGRAM_MATCH] = {.name = "match", .type = SETTING_TEXTS, .required = true},
    [PROGRAM_PINS] = {.name = "pinned_public_keys", .type = SETTING_LIST},
    [PROGRAM_UPSTREAM] = {.name = "upstream_certificates", .type = SETTING_LIST},
    {.name = "certificate_pinning_disabled", .type = SETTING_BOOLEAN},
    {.name = "upstream_certificates_disabled", .type = SETTING_BOOLEAN},
    {.name = NULL},
};

/* Where a list's rules go. The index is the policy's, or a list's own that is only checked so far. */
struct list {
    struct load *load;
    struct rule_index *index;
    struct arena *arena;
};

/* Makes each domain of a rule lead to it. The first member of every rule is its source. */
static void add_domains(const struct list *list, const config_setting_t *domains, struct source *rule)
{
    struct load *load = list->load;
    struct source at = load_source(load, domains);
    const char *text;
    unsigned i = 0;
    for (; (text = settings_text_at(domains, i)) != NULL; i++) {
        struct domain domain;
        char why[256];
        void *existing;
        if (!domain_parse(text, &domain, why, sizeof why)) {
            load_say(load, CONFIG_ERROR, &at, "domain: %s", why);
            continue;
        }
        switch (rule_index_add(list->index, list->arena, &domain, rule, &existing)) {
        case RULE_INDEX_ADDED:
            break;
        case RULE_INDEX_EXISTS: {
            const struct source *other = existing;
            load_say(load, CONFIG_ERROR, &at,
                     "domain: \"%.80s\" has a rule at %s:%u already; write one rule for it", text,
                     other->file, other->line);
            break;
        }
        case RULE_INDEX_NO_MEMORY:
            load_no_memory(load);
            return;
        }
    }
    if (i == 0)
        load_say(load, CONFIG_ERROR, &at, "domain: none; allowed is a name, a wildcard or an address");
}

static void check_pin_rule(struct load *load, const struct pin_rule *rule,
                           const config_setting_t *const *found)
{
    bool says_something =
        rule->mode == MODE_OFF || found[PIN_KEYS] != NULL || found[PIN_MIN_VERSION] != NULL ||
        settings_word(&pin_settings[PIN_VERIFY], found[PIN_VERIFY], VERIFY_PROGRAM) == VERIFY_REQUIRE;
    bool pin = settings_word(&pin_settings[PIN_VERIFY], found[PIN_VERIFY], VERIFY_PROGRAM) == VERIFY_PIN;
    if (!says_something)
        load_say(load, CONFIG_ERROR, &rule->source,
                 "keys: missing; the rule must name keys, or be an exception with mode = \"off\"");
    if (pin && found[PIN_KEYS] == NULL)
        load_say(load, CONFIG_ERROR, &rule->source, "verify: \"pin\" without keys; add keys to the rule");
    if (pin && settings_word(&pin_settings[PIN_TARGET], found[PIN_TARGET], 0) != 0)
        load_say(load, CONFIG_ERROR, &rule->source,
                 "verify: \"pin\" with target \"chain\"; allowed is target \"leaf\"");
    if (found[PIN_AFTER_EXPIRY] != NULL && found[PIN_EXPIRES] == NULL)
        load_say(load, CONFIG_ERROR, &rule->source,
                 "after_expiry: without expires; add expires = \"YYYY-MM-DD\"");
}

static struct pin_rule *read_pin_rule(const struct list *list, const config_setting_t *group)
{
    struct load *load = list->load;
    const config_setting_t *found[SETTINGS_MAX];
    int wrong = load->errors - load->later;
    settings_read(load, group, pin_settings, found);
    struct pin_rule *rule = arena_alloc(list->arena, sizeof *rule);
    if (rule == NULL)
        return NULL;
    rule->source = load_source(load, group);
    rule->anchors = load->policy->anchors;
    rule->mode = (enum mode)settings_word(&pin_settings[PIN_MODE], found[PIN_MODE], MODE_UNSET);
    /* A setting that is there and wrong has been reported; that it is missing would be said in error. */
    if (load->errors - load->later == wrong)
        check_pin_rule(load, rule, found);
    if (found[PIN_KEYS] != NULL)
        keys_read(load, found[PIN_KEYS], rule);
    if (found[PIN_DOMAIN] != NULL)
        add_domains(list, found[PIN_DOMAIN], &rule->source);
    return rule;
}

static void read_pin_list(const struct list *list, const config_setting_t *setting, struct pin_rule **rules)
{
    for (int i = 0; i < config_setting_length(setting); i++) {
        rules[i] = read_pin_rule(list, config_setting_get_elem(setting, (unsigned)i));
        if (rules[i] == NULL) {
            load_no_memory(list->load);
            return;
        }
    }
}

void rules_read_pins(struct load *load, const config_setting_t *setting)
{
    struct policy *policy = load->policy;
    const struct list list = {load, &policy->pins, &policy->arena};
    if (setting == NULL || config_setting_length(setting) == 0)
        return;
    size_t count = (size_t)config_setting_length(setting);
    policy->pin_rules = arena_alloc(&policy->arena, count * sizeof(struct pin_rule *));
    if (policy->pin_rules == NULL) {
        load_no_memory(load);
        return;
    }
    policy->pin_rule_count = count;
    read_pin_list(&list, setting, policy->pin_rules);
}

static void say_not_supported(struct load *load, const config_setting_t *setting)
{
    struct source at = load_source(load, setting);
    load_say_later(load, &at, config_setting_name(setting), NULL);
}

void rules_read_upstream(struct load *load, const config_setting_t *setting)
{
    struct rule_index index = {0};
    const struct list list = {load, &index, &load->scratch};
    if (setting == NULL || config_setting_length(setting) == 0)
        return;
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *group = config_setting_get_elem(setting, (unsigned)i);
        const config_setting_t *found[SETTINGS_MAX];
        struct source *at = arena_alloc(list.arena, sizeof *at);
        if (at == NULL) {
            load_no_memory(load);
            return;
        }
        *at = load_source(load, group);
        settings_read(load, group, upstream_settings, found);
        if (found[UP_DOMAIN] != NULL)
            add_domains(&list, found[UP_DOMAIN], at);
        if (found[UP_CERTIFICATE] != NULL && settings_text_at(found[UP_CERTIFICATE], 0) == NULL)
            load_say(load, CONFIG_ERROR, at, "certificate: none; allowed are ids, paths of PEM files, PEM");
    }
    say_not_supported(load, setting);
}

void rules_read_programs(struct load *load, const config_setting_t *setting)
{
    if (setting == NULL || config_setting_length(setting) == 0)
        return;
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *found[SETTINGS_MAX];
        struct rule_index index = {0};
        const struct list list = {load, &index, &load->policy->arena};
        settings_read(load, config_setting_get_elem(setting, (unsigned)i), program_settings, found);
        if (found[PROGRAM_PINS] != NULL) {
            size_t count = (size_t)config_setting_length(found[PROGRAM_PINS]);
            struct pin_rule **rules = arena_alloc(&load->scratch, (count + 1) * sizeof(struct pin_rule *));
            if (rules == NULL) {
                load_no_memory(load);
                return;
            }
            read_pin_list(&list, found[PROGRAM_PINS], rules);
        }
        rules_read_upstream(load, found[PROGRAM_UPSTREAM]);
    }
    say_not_supported(load, setting);
}
