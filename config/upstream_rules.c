#include "config/upstream_rules.h"

#include "config/candidates.h"
#include "config/elements.h"
#include "config/rules.h"

enum upstream_setting { UP_DOMAIN, UP_CERTIFICATE, UP_REQUIRED, UP_KEEP, UP_MODE };
static const struct setting upstream_settings[] = {
    [UP_DOMAIN] = {.name = "domain", .type = SETTING_TEXTS, .required = true},
    [UP_CERTIFICATE] = {.name = "certificate", .type = SETTING_TEXTS},
    [UP_REQUIRED] = {.name = "required", .type = SETTING_BOOLEAN},
    [UP_KEEP] = {.name = "keep_program_certificate", .type = SETTING_BOOLEAN},
    [UP_MODE] = {.name = "mode", .type = SETTING_WORD, .words = rules_modes},
    {.name = NULL},
};

static bool boolean_of(const config_setting_t *found, bool otherwise)
{
    return found == NULL ? otherwise : config_setting_get_bool(found) != 0;
}

/* NULL: memory is short. */
static struct upstream_rule *read_rule(const struct rule_list *list, const config_setting_t *group)
{
    struct load *load = list->load;
    const config_setting_t *found[SETTINGS_MAX];
    int errors = load->errors;
    settings_read(load, group, upstream_settings, found);
    bool right = load->errors == errors;
    struct upstream_rule *rule = arena_alloc(&load->policy->arena, sizeof *rule);
    if (rule == NULL)
        return NULL;
    rule->source = load_source(load, group);
    rule->mode = (enum mode)settings_word(&upstream_settings[UP_MODE], found[UP_MODE], MODE_UNSET);
    rule->required = boolean_of(found[UP_REQUIRED], true);
    rule->keep_program_certificate = boolean_of(found[UP_KEEP], false);
    if (found[UP_CERTIFICATE] != NULL)
        candidates_read(load, found[UP_CERTIFICATE], rule);
    else if (right && rule->mode != MODE_OFF) /* one that is there and wrong has been reported */
        load_say(
            load, CONFIG_ERROR, &rule->source,
            "certificate: missing; write a certificate id or the path of a PEM file, or make the rule an "
            "exception with mode = \"off\"");
    if (found[UP_DOMAIN] != NULL)
        rules_add_domains(list, found[UP_DOMAIN], &rule->source);
    return rule;
}

static bool add_rule(const struct rule_list *list, const config_setting_t *group)
{
    struct policy *policy = list->load->policy;
    struct upstream_rule *rule = read_rule(list, group);
    if (rule == NULL)
        return false;
    policy->upstream_rules[policy->upstream_rule_count++] = rule;
    return true;
}

void upstream_rules_read(struct load *load, const config_setting_t *setting, struct rule_index *index)
{
    const struct rule_list list = {load, index};
    struct policy *policy = load->policy;
    size_t count = elements_count(load, setting);
    if (count == 0)
        return;
    struct upstream_rule **rules =
        arena_grow(&policy->arena, policy->upstream_rules,
                   (policy->upstream_rule_count + count) * sizeof(struct upstream_rule *));
    if (rules == NULL) {
        load_no_memory(load);
        return;
    }
    policy->upstream_rules = rules;
    rules_read(&list, setting, add_rule);
}
