#include <stdio.h>
#include <string.h>

#include "cli/explain_print.h"
#include "cli/explain_words.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/output.h"
#include "policy/text.h"

/* The longest key, "after_expiry" or "hidden_rule", and a colon. */
enum { KEY_WIDTH = 13, PLACE_SIZE = 8192 };

/* `key TAB value TAB more TAB last`; to a reader `key: value (more, last)`. NULL: there is no such column. */
static void line(const char *key, const char *value, const char *more, const char *last)
{
    bool reader = output_is_to_reader();
    char label[64];
    snprintf(label, sizeof label, reader ? "%s:" : "%s", key);
    printf(reader ? "%-*s " : "%.*s\t", reader ? KEY_WIDTH : (int)sizeof label, label);
    text_print(stdout, value);
    if (more != NULL) {
        fputs(reader ? " (" : "\t", stdout);
        text_print(stdout, more);
    }
    if (last != NULL) {
        fputs(reader ? ", " : "\t", stdout);
        text_print(stdout, last);
    }
    puts(reader && more != NULL ? ")" : "");
}

static void format_place(const struct source *source, char place[PLACE_SIZE])
{
    snprintf(place, PLACE_SIZE, "%s:%u", source->file, source->line);
}

/* A rule stands at `source`; `pattern` leads to it. */
static void print_led(const char *key, const struct source *source, const struct domain *pattern,
                      const char *last)
{
    char place[PLACE_SIZE];
    char text[DOMAIN_TEXT_SIZE];
    format_place(source, place);
    domain_format(pattern, text);
    line(key, place, text, last);
}

static void print_program(const struct explanation *explanation, const struct program_found *program)
{
    const struct section *section = explanation->section;
    char place[PLACE_SIZE];
    if (program->program != NULL)
        line("program", program->program, program->name, NULL);
    if (section != NULL) {
        format_place(&section->source, place);
        line("section", section->name, place,
             section->pinning_disabled ? "its own rules do not count: certificate_pinning_disabled" : NULL);
    } else if (program->program != NULL) {
        line("section", "none", NULL, NULL);
    }
}

static void print_expiry(const struct explanation *explanation, const struct pin_rule *rule)
{
    char day[TEXT_TIME_SIZE];
    if (!rule->expires)
        return;
    text_of_time(rule->expiry, day);
    day[sizeof "YYYY-MM-DD" - 1] = '\0';
    line("expires", day, explanation_is_past(explanation, rule) ? "past" : NULL, NULL);
    line("after_expiry", explain_after_expiry(rule), NULL, NULL);
}

static void print_keys(const struct policy *policy, const struct pin_rule *rule)
{
    char text[PIN_TEXT_SIZE];
    char why[STORE_WHY_SIZE];
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct key *key = &rule->keys[i];
        const struct pin *pin = policy_key_pin(policy, key);
        if (pin == NULL) {
            line("unresolved", key->name, ids_key_fault(policy, key, why), NULL);
            continue;
        }
        pin_format(pin, text);
        bool repeats = output_is_to_reader() && strcmp(key->name, text) == 0;
        line("pin", text, repeats ? NULL : key->name, NULL);
    }
}

static void print_settings(const struct explanation *explanation, const struct pin_rule *rule)
{
    line("mode", mode_name(policy_rule_mode(explanation->policy, rule)),
         rule->mode == MODE_UNSET ? "of the policy" : "of the rule", NULL);
    line("target", explain_target(rule), NULL, NULL);
    line("verify", explain_verify(rule), NULL, NULL);
    if (rule->min_version != TLS_OLDER)
        line("min_version", tls_version_name(rule->min_version), NULL, NULL);
    print_expiry(explanation, rule);
    if (explain_verifies(rule) && rule->anchors->file != NULL)
        line("ca_file", rule->anchors->file, NULL, NULL);
    if (explain_verifies(rule) && rule->anchors->path != NULL)
        line("ca_path", rule->anchors->path, NULL, NULL);
}

static void print_rules(const struct explanation *explanation)
{
    const struct rule_list *rules = &explanation->rules;
    const char *whose = explanation->of_section ? "of the section" : "global";
    for (size_t i = 0; i < rules->count; i++) {
        const struct pin_rule *rule = rules->items[i].rule;
        print_led(i == 0 ? "rule" : "other_rule", &rules->items[i].rule->source, &rules->items[i].pattern,
                  whose);
        print_settings(explanation, rule);
        print_keys(explanation->policy, rule);
    }
}

static void print_unmatched(const struct explanation *explanation)
{
    enum domain_kind kind = explanation->peer.names[0].domain.kind;
    line("rule", "none", NULL, NULL);
    if (kind != DOMAIN_ALL)
        line("unmatched", explain_about(explanation_about(explanation, true)), NULL, NULL);
    if (kind != DOMAIN_NAME)
        line("unnamed", explain_about(explanation_about(explanation, false)), NULL, NULL);
}

static void print_client_rule(const struct client_explained *client)
{
    char words[UPSTREAM_WORDS_SIZE];
    char outcome[CLIENT_OUTCOME_SIZE];
    const struct upstream_rule *rule = client->led.rule;
    print_led("client_rule", &client->led.rule->source, &client->led.pattern,
              client->of_section ? "of the section" : "global");
    line("client_mode", mode_name(policy_upstream_mode(client->policy, rule)),
         rule->mode == MODE_UNSET ? "of the policy" : "of the rule", NULL);
    line("required", rule->required ? "true" : "false", NULL, NULL);
    line("keep_program_certificate", rule->keep_program_certificate ? "true" : "false", NULL, NULL);
    if (client->choice.chosen != NULL)
        line("chosen", client->choice.chosen->candidate->name, NULL, NULL);
    for (size_t i = 0; i < client->choice.count; i++) {
        const struct upstream_considered *item = &client->choice.items[i];
        client_reason(item, words);
        if (item->verdict != UPSTREAM_CHOSEN)
            line("rejected", item->candidate->name, words, NULL);
    }
    client_outcome(client, outcome);
    line("client_outcome", outcome, NULL, NULL);
}

static void print_client(const struct client_explained *client)
{
    if (client->led.rule != NULL)
        print_client_rule(client);
    for (size_t i = 0; i < client->with_port_count; i++)
        print_led("client_with_port", &client->with_port[i].rule->source, &client->with_port[i].pattern,
                  NULL);
}

static void print_notes(const struct explanation *explanation, const struct program_found *program)
{
    struct explain_notes notes;
    explain_find_notes(explanation, program, &notes);
    for (size_t i = 0; i < notes.count; i++)
        line("note", notes.texts[i], NULL, NULL);
}

void explain_print_text(const struct explanation *explanation, const struct program_found *program)
{
    char text[DOMAIN_TEXT_SIZE];
    char outcome[OUTCOME_SIZE];
    domain_format(&explanation->peer.names[0].domain, text);
    line("host", text, NULL, NULL);
    if (explanation->peer.port != 0) {
        snprintf(text, sizeof text, "%u", explanation->peer.port);
        line("port", text, NULL, NULL);
    }
    print_program(explanation, program);
    if (explanation->has_rule)
        print_rules(explanation);
    else
        print_unmatched(explanation);
    for (size_t i = 0; i < explanation->hidden.count; i++)
        print_led("hidden_rule", &explanation->hidden.items[i].rule->source,
                  &explanation->hidden.items[i].pattern, NULL);
    for (size_t i = 0; i < explanation->with_port.count; i++)
        print_led("with_port", &explanation->with_port.items[i].rule->source,
                  &explanation->with_port.items[i].pattern, NULL);
    print_notes(explanation, program);
    explanation_outcome(explanation, outcome);
    line("outcome", outcome, NULL, NULL);
    print_client(&explanation->client);
}
