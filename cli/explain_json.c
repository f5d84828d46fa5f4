#include <jansson.h>

#include "cli/command.h"
#include "cli/explain_print.h"
#include "cli/explain_words.h"
#include "cli/ids.h"
#include "cli/output.h"
#include "policy/pin_json.h"
#include "policy/text.h"

static json_t *place_of(const struct source *source)
{
    return output_place(source->file, source->line);
}

struct keys {
    const struct policy *policy;
    json_t *pins;
    json_t *ids; /* with their pins */
    json_t *unresolved;
};

static void add_keys(const struct keys *keys, const struct pin_rule *rule)
{
    char text[PIN_TEXT_SIZE];
    char why[STORE_WHY_SIZE];
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct key *key = &rule->keys[i];
        const struct pin *pin = policy_key_pin(keys->policy, key);
        if (pin != NULL) {
            pin_format(pin, text);
            pin_add_to_json(keys->pins, pin);
            if (key->kind == KEY_ID)
                json_array_append_new(keys->ids,
                                      json_pack("{s:o, s:s}", "id", output_text(key->name), "pin", text));
        } else {
            json_array_append_new(keys->unresolved,
                                  json_pack("{s:o, s:o}", "key", output_text(key->name), "reason",
                                            output_text(ids_key_fault(keys->policy, key, why))));
        }
    }
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, key, output_text(text));
}

/* A list that is empty does not apply. */
static void set_list(json_t *object, const char *key, json_t *list)
{
    if (json_array_size(list) > 0)
        json_object_set(object, key, list);
    json_decref(list);
}

/* What is set beside that which every rule has. */
static void add_settings(const struct explanation *explanation, const struct pin_rule *rule, json_t *object)
{
    char day[TEXT_TIME_SIZE];
    if (rule->min_version != TLS_OLDER)
        set_text(object, "min_version", tls_version_name(rule->min_version));
    if (rule->expires) {
        text_of_time(rule->expiry, day);
        day[sizeof "YYYY-MM-DD" - 1] = '\0';
        set_text(object, "expires", day);
        set_text(object, "after_expiry", explain_after_expiry(rule));
        json_object_set_new(object, "expired", json_boolean(explanation_is_past(explanation, rule)));
    }
    if (explain_verifies(rule)) {
        set_text(object, "ca_file", rule->anchors->file);
        set_text(object, "ca_path", rule->anchors->path);
    }
}

static json_t *rule_of(const struct explanation *explanation)
{
    const struct rule_list *rules = &explanation->rules;
    const struct pin_rule *rule = rules->items[0].rule;
    const struct keys keys = {explanation->policy, json_array(), json_array(), json_array()};
    json_t *others = json_array();
    for (size_t i = 0; i < rules->count; i++) {
        add_keys(&keys, rules->items[i].rule);
        if (i > 0)
            json_array_append_new(others, place_of(&rules->items[i].rule->source));
    }
    json_t *object = json_pack("{s:o, s:s, s:s, s:s, s:o}", "rule", place_of(&rule->source), "mode",
                               mode_name(explanation->requirement.mode), "target", explain_target(rule),
                               "verify", explain_verify(rule), "pins", keys.pins);
    set_list(object, "ids", keys.ids);
    set_list(object, "other_rules", others);
    add_settings(explanation, rule, object);
    set_list(object, "unresolved", keys.unresolved);
    return object;
}

static json_t *with_port(const struct explanation *explanation)
{
    json_t *list = json_array();
    for (size_t i = 0; i < explanation->with_port.count; i++) {
        const struct led_rule *led = &explanation->with_port.items[i];
        json_array_append_new(
            list, json_pack("{s:i, s:o}", "port", led->pattern.port, "rule", place_of(&led->rule->source)));
    }
    return list;
}

int explain_print_json(const struct explanation *explanation, const char *program)
{
    const struct domain *host = &explanation->peer.names[0].domain;
    char text[DOMAIN_TEXT_SIZE];
    char outcome[OUTCOME_SIZE];
    json_t *object = json_object();
    domain_format(host, text);
    set_text(object, "host", text);
    if (explanation->peer.port != 0)
        json_object_set_new(object, "port", json_integer(explanation->peer.port));
    set_text(object, "program", program);
    if (explanation->has_rule)
        json_object_set_new(object, "pin_rule", rule_of(explanation));
    if (explanation->section != NULL)
        json_object_set_new(object, "section",
                            json_pack("{s:o, s:o}", "name", output_text(explanation->section->name), "rule",
                                      place_of(&explanation->section->source)));
    if (!explanation->has_rule && host->kind != DOMAIN_ALL)
        set_text(object, "unmatched", explain_about(explanation_about(explanation, true)));
    if (!explanation->has_rule && host->kind != DOMAIN_NAME)
        set_text(object, "unnamed", explain_about(explanation_about(explanation, false)));
    set_list(object, "with_port", with_port(explanation));
    explanation_outcome(explanation, outcome);
    set_text(object, "outcome", outcome);
    return output_json("policy explain", object);
}
