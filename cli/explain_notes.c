#include <stdarg.h>
#include <stdio.h>

#include "cli/explain_print.h"
#include "cli/security_level.h"

__attribute__((format(printf, 2, 3))) static void add(struct explain_notes *notes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(notes->texts[notes->count++], SECTION_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

static bool have_one_mode(const struct explanation *explanation)
{
    const struct rule_list *rules = &explanation->rules;
    for (size_t i = 1; i < rules->count; i++) {
        if (policy_rule_mode(explanation->policy, rules->items[i].rule) !=
            policy_rule_mode(explanation->policy, rules->items[0].rule))
            return false;
    }
    return true;
}

static void note_program(const struct explanation *explanation, const struct program_found *program,
                         struct explain_notes *notes)
{
    if (program->program == NULL && explanation->policy->section_count > 0)
        add(notes, "no program is given, so the rules of sections do not count; see --program");
    if (program->perhaps != NULL)
        section_note(program, notes->texts[notes->count++]);
}

static void note_port(const struct client_explained *client, struct explain_notes *notes)
{
    const struct upstream_rule *next = client->without_port.rule;
    const struct source *source = &client->led.rule->source;
    char then[4200] = "no rule for client certificates";
    if (next != NULL)
        snprintf(then, sizeof then, "that at %.4096s:%u", next->source.file, next->source.line);
    add(notes,
        "the rule for client certificates (%.4096s:%u) is for port %u, so it applies only where that is the "
        "connection's own for sure: not to a program that connects without resolving the name, or through a "
        "proxy; to these applies %s",
        source->file, source->line, client->led.pattern.port, then);
}

static void note_client(const struct client_explained *client, struct explain_notes *notes)
{
    char validity[CLIENT_VALIDITY_SIZE];
    if (client->led.rule != NULL && client->led.pattern.port != 0)
        note_port(client, notes);
    if (client->choice.chosen == NULL)
        return;
    const char *name = client->choice.chosen->candidate->name;
    client_validity(client, validity);
    if (validity[0] != '\0')
        add(notes, "the client certificate %.4096s %s, so servers may refuse it", name, validity);
    if (client->not_taken != NULL)
        add(notes, "the client certificate %.4096s is weak: " SECURITY_NOT_TAKEN, name, SECURITY_LEVEL,
            client->not_taken);
}

void explain_find_notes(const struct explanation *explanation, const struct program_found *program,
                        struct explain_notes *notes)
{
    notes->count = 0;
    note_program(explanation, program, notes);
    if (explanation->requirement.match.any_port)
        add(notes,
            "only rules for certain ports match, and no port is given: all of them apply, and any of their "
            "pins counts");
    if (explanation->requirement.match.any_port && !have_one_mode(explanation))
        add(notes, "of these rules the strictest mode, %s, is that of a server with none of their keys",
            mode_name(explanation->requirement.mode));
    if (explanation->with_port.count > 0)
        add(notes, "no port is given: at those of with_port another rule applies; ask with HOST:PORT");
    if (explanation->elsewhere != NULL)
        add(notes,
            "rules for other ports match (%.4096s:%u): they apply to a program whose port is not certain, as "
            "curl with --resolve, or behind a proxy; ask without a port",
            explanation->elsewhere->source.file, explanation->elsewhere->source.line);
    note_client(&explanation->client, notes);
}
