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
    free(atomic_load(&policy->pem_pins));
    arena_free(&policy->arena);
    free(policy);
}

enum mode policy_rule_mode(const struct policy *policy, const struct pin_rule *rule)
{
    return rule->mode == MODE_UNSET ? policy->mode : rule->mode;
}

const struct pin *policy_key_pin(const struct policy *policy, const struct key *key)
{
    if (key->kind == KEY_PIN)
        return &key->pin;
    if (key->kind != KEY_PEM)
        return NULL;
    const struct pin *pins = atomic_load_explicit(&policy->pem_pins, memory_order_acquire);
    return pins == NULL ? NULL : &pins[key->pem_number];
}
