#include "cli/candidates.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "policy/credentials.h"

struct check {
    const struct policy *policy;
    const struct ossl *ossl;
    bool store_failed;
    void (*say)(void *context, bool store_failed, const char *text);
    void *context;
};

/* The name is in `why` where it is that of a file. */
static void tell(const struct check *check, const struct upstream_rule *rule,
                 const struct candidate *candidate, bool store_failed, const char *why)
{
    char text[PATH_MAX + CREDENTIAL_WHY_SIZE + 512];
    char id[280] = "";
    if (candidate->kind == CANDIDATE_ID)
        snprintf(id, sizeof id, "\"%.260s\": ", candidate->name);
    snprintf(text, sizeof text, "%s:%u: certificate: %s%s%s", rule->source.file, rule->source.line, id, why,
             strchr(why, ';') == NULL ? "; give a certificate with its private key that OpenSSL can read"
                                      : "");
    check->say(check->context, store_failed, text);
}

static void check_candidate(struct check *check, const struct upstream_rule *rule,
                            const struct candidate *candidate)
{
    char why[CREDENTIAL_WHY_SIZE];
    enum credential_fault fault;
    const struct credential *credential =
        credential_acquire(check->policy, check->ossl, candidate, &fault, why);
    bool failed = fault == CREDENTIAL_NO_ANSWER || fault == CREDENTIAL_NO_MEMORY;
    credential_release(credential);
    if (credential != NULL || fault == CREDENTIAL_UNREADABLE || (failed && check->store_failed))
        return;
    check->store_failed = check->store_failed || failed;
    tell(check, rule, candidate, failed, why);
}

void candidates_check(const struct policy *policy, const struct ossl *ossl, bool store_failed,
                      void (*say)(void *context, bool store_failed, const char *text), void *context)
{
    struct check check = {policy, ossl, store_failed, say, context};
    for (size_t i = 0; i < policy->upstream_rule_count; i++) {
        const struct upstream_rule *rule = policy->upstream_rules[i];
        bool counts = !rule->disabled && policy_upstream_mode(policy, rule) != MODE_OFF;
        for (size_t k = 0; k < rule->candidate_count && counts; k++)
            check_candidate(&check, rule, &rule->candidates[k]);
    }
}
