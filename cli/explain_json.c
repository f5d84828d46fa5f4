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
            pin_add_to_json(keys->pins, pin);
            pin_format(pin, text);
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

/* `keys` and `others` (NULL: none) go over to the object. */
static json_t *object_of(const struct explanation *explanation, const struct pin_rule *rule,
                         const struct keys *keys, json_t *others)
{
    json_t *object = json_pack("{s:o, s:s, s:s, s:s, s:o}", "rule", place_of(&rule->source), "mode",
                               mode_name(policy_rule_mode(explanation->policy, rule)), "target",
                               explain_target(rule), "verify", explain_verify(rule), "pins", keys->pins);
    set_list(object, "ids", keys->ids);
    set_list(object, "other_rules", others);
    add_settings(explanation, rule, object);
    set_list(object, "unresolved", keys->unresolved);
    return object;
}

/* The rule that decides first has the keys of all, for any of them counts; the others have their own. */
static json_t *rule_of(const struct explanation *explanation)
{
    const struct rule_list *rules = &explanation->rules;
    const struct keys all = {explanation->policy, json_array(), json_array(), json_array()};
    json_t *others = json_array();
    for (size_t i = 0; i < rules->count; i++) {
        const struct pin_rule *rule = rules->items[i].rule;
        add_keys(&all, rule);
        if (i == 0)
            continue;
        const struct keys own = {explanation->policy, json_array(), json_array(), json_array()};
        add_keys(&own, rule);
        json_array_append_new(others, object_of(explanation, rule, &own, NULL));
    }
    return object_of(explanation, rules->items[0].rule, &all, others);
}

static json_t *notes_of(const struct explanation *explanation, const struct program_found *program)
{
    json_t *list = json_array();
    struct explain_notes notes;
    explain_find_notes(explanation, program, &notes);
    for (size_t i = 0; i < notes.count; i++)
        json_array_append_new(list, output_text(notes.texts[i]));
    return list;
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

static json_t *client_of(const struct client_explained *client)
{
    const struct upstream_rule *rule = client->led.rule;
    char words[UPSTREAM_WORDS_SIZE];
    char outcome[CLIENT_OUTCOME_SIZE];
    json_t *rejected = json_array();
    json_t *object = json_pack("{s:o, s:s, s:b, s:b}", "rule", place_of(&rule->source), "mode",
                               mode_name(policy_upstream_mode(client->policy, rule)), "required",
                               rule->required, "keep_program_certificate", rule->keep_program_certificate);
    if (client->choice.chosen != NULL)
        set_text(object, "chosen", client->choice.chosen->candidate->name);
    for (size_t i = 0; i < client->choice.count; i++) {
        const struct upstream_considered *item = &client->choice.items[i];
        client_reason(item, words);
        if (item->verdict != UPSTREAM_CHOSEN)
            json_array_append_new(rejected,
                                  json_pack("{s:o, s:o}", "reference", output_text(item->candidate->name),
                                            "reason", output_text(words)));
    }
    json_object_set_new(object, "rejected", rejected);
    client_outcome(client, outcome);
    set_text(object, "outcome", outcome);
    return object;
}

static json_t *client_with_port(const struct client_explained *client)
{
    json_t *list = json_array();
    for (size_t i = 0; i < client->with_port_count; i++)
        json_array_append_new(list, json_pack("{s:i, s:o}", "port", client->with_port[i].pattern.port, "rule",
                                              place_of(&client->with_port[i].rule->source)));
    return list;
}

int explain_print_json(const struct explanation *explanation, const struct program_found *program)
{
    const struct domain *host = &explanation->peer.names[0].domain;
    char text[DOMAIN_TEXT_SIZE];
    char outcome[OUTCOME_SIZE];
    json_t *object = json_object();
    domain_format(host, text);
    set_text(object, "host", text);
    if (explanation->peer.port != 0)
        json_object_set_new(object, "port", json_integer(explanation->peer.port));
    set_text(object, "program", program->program);
    set_text(object, "program_name", program->name);
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
    set_list(object, "notes", notes_of(explanation, program));
    explanation_outcome(explanation, outcome);
    set_text(object, "outcome", outcome);
    if (explanation->client.led.rule != NULL)
        json_object_set_new(object, "client_certificate", client_of(&explanation->client));
    set_list(object, "client_with_port", client_with_port(&explanation->client));
    return output_json("policy explain", object);
}
