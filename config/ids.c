#include "config/ids.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Appends the ids of one rule to `list` (NULL: only counts them). */
static size_t of_rule(const struct policy *policy, const struct pin_rule *rule, const char **list)
{
    size_t count = 0;
    if (rule->disabled || policy_rule_mode(policy, rule) == MODE_OFF)
        return 0;
    for (size_t i = 0; i < rule->key_count; i++) {
        if (rule->keys[i].kind != KEY_ID)
            continue;
        if (list != NULL)
            list[count] = rule->keys[i].name;
        count++;
    }
    return count;
}

static size_t of_rules(const struct policy *policy, size_t first, const char **list)
{
    size_t count = 0;
    for (size_t i = first; i < policy->pin_rule_count; i++)
        count += of_rule(policy, policy->pin_rules[i], list == NULL ? NULL : list + count);
    return count;
}

size_t ids_collect(struct load *load, size_t first, const char *const *known, size_t known_count,
                   const char *const **ids)
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
