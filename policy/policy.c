#include "policy/policy.h"

#include <stdlib.h>

const char *mode_name(enum mode mode)
{
    static const char *const names[] = {
        [MODE_UNSET] = "",
        [MODE_ENFORCE] = "enforce",
        [MODE_REPORT] = "report",
        [MODE_OFF] = "off",
    };
    return names[mode];
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    arena_free(&policy->arena);
    free(policy);
}

enum mode policy_rule_mode(const struct policy *policy, const struct pin_rule *rule)
{
    return rule->mode == MODE_UNSET ? policy->mode : rule->mode;
}
