#include "preload/fetch.h"

#include <stdlib.h>

#include "preload/connection.h"

/* How many ids are collected before the store is asked; bounds what is on the stack. */
#define IDS_MAX 64

struct collected {
    struct records *records;
    const struct ossl *ossl;
    struct records_wait *wait;
    size_t count;
    const char *ids[IDS_MAX];
};

static void fetch_collected(struct collected *collected)
{
    if (collected->count > 0)
        records_fetch_within(collected->records, collected->ossl, collected->ids, collected->count,
                             collected->wait);
    collected->count = 0;
}

static void collect_id(struct collected *collected, const char *id)
{
    if (collected->count == IDS_MAX)
        fetch_collected(collected);
    collected->ids[collected->count++] = id;
}

static bool collect(const struct pin_rule *rule, const struct key *key, void *context)
{
    (void)rule;
    if (key->kind == KEY_ID)
        collect_id(context, key->name);
    return false;
}

void fetch_records(const struct showing *showing, const struct requirement *requirements, size_t count)
{
    struct collected collected = {.records = showing->snapshot->policy->records};
    struct records_wait own = {0};
    if (collected.records == NULL)
        return;
    /* Where memory is short each judgement waits for itself. */
    struct connection *connection = connection_make(showing->libssl, showing->ssl);
    collected.ossl = &showing->libssl->fn;
    collected.wait = connection == NULL ? &own : &connection->wait;
    for (size_t i = 0; i < count; i++)
        requirement_each_key(&requirements[i], collect, &collected);
    fetch_collected(&collected);
}

void fetch_candidates(const struct policy *policy, const struct libssl *libssl,
                      const struct upstream_rule *rule, struct records_wait *wait)
{
    struct collected collected = {.records = policy->records, .ossl = &libssl->fn, .wait = wait};
    if (collected.records == NULL)
        return;
    for (size_t i = 0; i < rule->candidate_count; i++) {
        if (rule->candidates[i].kind == CANDIDATE_ID)
            collect_id(&collected, rule->candidates[i].name);
    }
    fetch_collected(&collected);
}

void fetch_ahead(const struct snapshot *snapshot, const struct snapshot *before)
{
    const struct policy *policy = snapshot->policy;
    struct records *old = before == NULL || before->policy == NULL ? NULL : before->policy->records;
    struct records_wait wait = {0};
    size_t count = policy->records == NULL ? 0 : policy_ids(policy, snapshot->section, NULL);
    const char **ids = count == 0 ? NULL : malloc(count * sizeof *ids);
    if (ids == NULL)
        return;
    policy_ids(policy, snapshot->section, ids);
    if (old != NULL)
        records_inherit(policy->records, old, ids, count);
    /* A handshake that finds a new policy reads what it needs itself, if nothing is served from memory. */
    if (policy->store.prefetch && (before == NULL || policy->store.cache_seconds > 0))
        records_fetch_within(policy->records, NULL, ids, count, &wait);
    free(ids);
}
