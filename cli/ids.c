#include "cli/ids.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Those of the global rules, and those of every section. NULL: memory is short. */
static const char **all_ids(const struct policy *policy, size_t *count)
{
    size_t most = policy_ids(policy, NULL, NULL);
    for (size_t i = 0; i < policy->section_count; i++)
        most += policy->sections[i].id_count;
    const char **ids = calloc(most + 1, sizeof *ids);
    if (ids == NULL)
        return NULL;
    *count = policy_ids(policy, NULL, ids);
    for (size_t i = 0; i < policy->section_count; i++) {
        for (size_t k = 0; k < policy->sections[i].id_count; k++)
            ids[(*count)++] = policy->sections[i].ids[k];
    }
    return ids;
}

const char *ids_key_fault(const struct policy *policy, const struct key *key, char *why)
{
    const struct pin *pin;
    if (key->kind != KEY_ID || policy->records == NULL)
        return key->why != NULL ? key->why : "cannot be read";
    bool absent = records_pin(policy->records, key->name, &pin, why) == RECORDS_ABSENT;
    /* What looks like a mistyped path is told of as one. */
    return absent && key->why != NULL ? key->why : why;
}

struct search {
    const struct policy *policy;
    void (*say)(void *context, bool store_failed, const char *text);
    void *context;
    bool store_failed;
};

static void resolve_key(struct search *search, const struct pin_rule *rule, const struct key *key)
{
    char text[PATH_MAX + 2 * STORE_WHY_SIZE];
    char why[STORE_WHY_SIZE] = "";
    const struct pin *pin;
    if (key->kind != KEY_ID || policy_key_pin(search->policy, key) != NULL)
        return;
    bool failed = records_pin(search->policy->records, key->name, &pin, why) == RECORDS_FAILED;
    if (failed && search->store_failed)
        return;
    snprintf(text, sizeof text, "%s:%u: keys: \"%.260s\": %s", rule->source.file, rule->source.line,
             key->name, ids_key_fault(search->policy, key, why));
    search->store_failed = search->store_failed || failed;
    search->say(search->context, failed, text);
}

void ids_resolve(const struct policy *policy, const struct ossl *ossl,
                 void (*say)(void *context, bool store_failed, const char *text), void *context)
{
    struct search search = {policy, say, context, false};
    struct timespec now;
    size_t count = 0;
    const char **ids = all_ids(policy, &count);
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (ids != NULL)
        records_fetch(policy->records, ossl, ids, count, now.tv_sec);
    free(ids);
    for (size_t i = 0; i < policy->pin_rule_count; i++) {
        const struct pin_rule *rule = policy->pin_rules[i];
        bool counts = !rule->disabled && policy_rule_mode(policy, rule) != MODE_OFF;
        for (size_t k = 0; k < rule->key_count && counts; k++)
            resolve_key(&search, rule, &rule->keys[k]);
    }
}
