#include "cli/cert_uses.h"

#include <stdlib.h>
#include <string.h>

/* Looks for the domains of one rule. */
struct search {
    struct cert_uses *uses;
    struct cert_use use; /* of the rule; but for the domain */
};

static bool add(void *rule, const struct domain *pattern, void *context)
{
    const struct search *search = context;
    struct cert_uses *uses = search->uses;
    /* The first member of every rule is its source. */
    if (rule != search->use.source)
        return false;
    struct cert_use *items = reallocarray(uses->items, uses->count + 1, sizeof *items);
    if (items == NULL) {
        uses->failed = true;
        return true;
    }
    uses->items = items;
    items[uses->count] = search->use;
    items[uses->count++].domain = *pattern;
    return false;
}

static bool pins(const struct pin_rule *rule, const char *id)
{
    for (size_t i = 0; i < rule->key_count; i++) {
        if (rule->keys[i].kind == KEY_ID && strcmp(rule->keys[i].name, id) == 0)
            return true;
    }
    return false;
}

static bool presents(const struct upstream_rule *rule, const char *id)
{
    for (size_t i = 0; i < rule->candidate_count; i++) {
        if (rule->candidates[i].kind == CANDIDATE_ID && strcmp(rule->candidates[i].name, id) == 0)
            return true;
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    const struct cert_use *one = a;
    const struct cert_use *other = b;
    char text[DOMAIN_TEXT_SIZE];
    char other_text[DOMAIN_TEXT_SIZE];
    if (one->role != other->role)
        return one->role < other->role ? -1 : 1;
    if (one->rule != other->rule)
        return one->rule < other->rule ? -1 : 1;
    domain_format(&one->domain, text);
    domain_format(&other->domain, other_text);
    return strcmp(text, other_text);
}

static void find_pins(const struct policy *policy, struct search *search)
{
    rule_index_all(&policy->pins, add, search);
    for (size_t i = 0; i < policy->section_count; i++) {
        search->use.section = &policy->sections[i];
        rule_index_all(&policy->sections[i].pins, add, search);
        rule_index_all(&policy->sections[i].disabled_pins, add, search);
    }
}

static void find_upstream(const struct policy *policy, struct search *search)
{
    rule_index_all(&policy->upstream, add, search);
    for (size_t i = 0; i < policy->section_count; i++) {
        search->use.section = &policy->sections[i];
        rule_index_all(&policy->sections[i].upstream, add, search);
        rule_index_all(&policy->sections[i].disabled_upstream, add, search);
    }
}

void cert_uses_find(const struct policy *policy, const char *id, struct cert_uses *uses)
{
    *uses = (struct cert_uses){0};
    for (size_t i = 0; i < policy->pin_rule_count; i++) {
        const struct source *source = &policy->pin_rules[i]->source;
        struct search search = {uses, {.source = source, .role = CERT_PIN, .rule = i}};
        if (pins(policy->pin_rules[i], id))
            find_pins(policy, &search);
    }
    for (size_t i = 0; i < policy->upstream_rule_count; i++) {
        const struct source *source = &policy->upstream_rules[i]->source;
        struct search search = {uses, {.source = source, .role = CERT_UPSTREAM, .rule = i}};
        if (presents(policy->upstream_rules[i], id))
            find_upstream(policy, &search);
    }
    if (uses->count > 0)
        qsort(uses->items, uses->count, sizeof *uses->items, compare);
}

void cert_uses_free(struct cert_uses *uses)
{
    free(uses->items);
    uses->items = NULL;
}

const char *cert_role_name(enum cert_role role)
{
    return role == CERT_PIN ? "pin" : "upstream";
}
