#include "config/ids.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Where the ids go. */
struct ids {
    const char **list; /* NULL: they are only counted */
    size_t count;
};

static void add(struct ids *ids, const char *id)
{
    if (ids->list != NULL)
        ids->list[ids->count] = id;
    ids->count++;
}

static void add_keys(struct ids *ids, const struct policy *policy, const struct pin_rule *rule)
{
    if (rule->disabled || policy_rule_mode(policy, rule) == MODE_OFF)
        return;
    for (size_t i = 0; i < rule->key_count; i++) {
        if (rule->keys[i].kind == KEY_ID)
            add(ids, rule->keys[i].name);
    }
}

static void add_candidates(struct ids *ids, const struct policy *policy, const struct upstream_rule *rule)
{
    if (rule->disabled || policy_upstream_mode(policy, rule) == MODE_OFF)
        return;
    for (size_t i = 0; i < rule->candidate_count; i++) {
        if (rule->candidates[i].kind == CANDIDATE_ID)
            add(ids, rule->candidates[i].name);
    }
}

/* Returns how many there are. */
static size_t of_rules(const struct policy *policy, const struct ids_first *first, const char **list)
{
    struct ids ids = {.list = list};
    for (size_t i = first->pin_rule; i < policy->pin_rule_count; i++)
        add_keys(&ids, policy, policy->pin_rules[i]);
    for (size_t i = first->upstream_rule; i < policy->upstream_rule_count; i++)
        add_candidates(&ids, policy, policy->upstream_rules[i]);
    return ids.count;
}

size_t ids_collect(struct load *load, const struct ids_first *first, const char *const *known,
                   size_t known_count, const char *const **ids)
{
    const struct policy *policy = load->policy;
    size_t count = of_rules(policy, first, NULL);
    size_t kept = 0;
    *ids = NULL;
    if (count == 0)
        return 0;
    const char **list = arena_alloc(&load->policy->arena, count * sizeof *list);
    if (list == NULL) {
        load_no_memory(load);
        return 0;
    }
    of_rules(policy, first, list);
    qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i++) {
        bool again = kept > 0 && strcmp(list[kept - 1], list[i]) == 0;
        if (!again &&
            (known_count == 0 || bsearch(&list[i], known, known_count, sizeof *known, compare) == NULL))
            list[kept++] = list[i];
    }
    *ids = list;
    return kept;
}
