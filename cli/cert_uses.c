#include "cli/cert_uses.h"

#include <stdlib.h>
#include <string.h>

struct search {
    struct cert_uses *uses;
    const struct section *section;
    const struct pin_rule *rule;
    size_t number;
};

static bool add(void *rule, const struct domain *pattern, void *context)
{
    const struct search *search = context;
    struct cert_uses *uses = search->uses;
    if (rule != search->rule)
        return false;
    struct cert_use *items = reallocarray(uses->items, uses->count + 1, sizeof *items);
    if (items == NULL) {
        uses->failed = true;
        return true;
    }
    uses->items = items;
    items[uses->count++] =
        (struct cert_use){search->section, &search->rule->source, search->number, *pattern};
    return false;
}

static bool refers(const struct pin_rule *rule, const char *id)
{
    for (size_t i = 0; i < rule->key_count; i++) {
        if (rule->keys[i].kind == KEY_ID && strcmp(rule->keys[i].name, id) == 0)
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
    if (one->rule != other->rule)
        return one->rule < other->rule ? -1 : 1;
    domain_format(&one->domain, text);
    domain_format(&other->domain, other_text);
    return strcmp(text, other_text);
}

void cert_uses_find(const struct policy *policy, const char *id, struct cert_uses *uses)
{
    *uses = (struct cert_uses){0};
    for (size_t i = 0; i < policy->pin_rule_count; i++) {
        struct search search = {.uses = uses, .rule = policy->pin_rules[i], .number = i};
        if (!refers(search.rule, id))
            continue;
        rule_index_all(&policy->pins, add, &search);
        for (size_t k = 0; k < policy->section_count; k++) {
            search.section = &policy->sections[k];
            rule_index_all(&search.section->pins, add, &search);
            rule_index_all(&search.section->disabled_pins, add, &search);
        }
    }
    if (uses->count > 0)
        qsort(uses->items, uses->count, sizeof *uses->items, compare);
}

void cert_uses_free(struct cert_uses *uses)
{
    free(uses->items);
    uses->items = NULL;
}
