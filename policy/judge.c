#include "policy/judge.h"

#include <string.h>

const char *reason_name(enum reason reason)
{
    static const char *const names[] = {
        [REASON_NONE] = "none",
        [REASON_MISMATCH] = "mismatch",
        [REASON_RESUMED] = "resumed",
        [REASON_NO_CERTIFICATE] = "no_certificate",
        [REASON_UNRESOLVED] = "unresolved",
    };
    return names[reason];
}

/* Enforce beats report beats off: where the port is not known, several rules may speak. */
static enum mode strictest_mode(const struct policy *policy, const struct rule_match *match)
{
    enum mode strictest = MODE_OFF;
    for (size_t i = 0; i < match->count; i++) {
        enum mode mode = policy_rule_mode(policy, match->rules[i]);
        if (mode < strictest)
            strictest = mode;
    }
    return strictest;
}

size_t judge_requirements(const struct policy *policy, const struct peer *peer,
                          struct requirement requirements[PEER_NAMES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < peer->name_count; i++) {
        struct requirement *requirement = &requirements[count];
        rule_index_find(&policy->pins, &peer->names[i], peer->port, &requirement->match);
        if (requirement->match.count == 0)
            continue;
        if (count > 0 && requirements[0].match.rules[0] == requirement->match.rules[0])
            continue;
        requirement->name = &peer->names[i];
        requirement->mode = strictest_mode(policy, &requirement->match);
        count += requirement->mode != MODE_OFF;
    }
    return count;
}

enum reason judge_pin(const struct requirement *requirement, const struct pin *pin)
{
    bool usable = false;
    for (size_t i = 0; i < requirement->match.count; i++) {
        const struct pin_rule *rule = requirement->match.rules[i];
        for (size_t k = 0; k < rule->key_count; k++) {
            const struct key *key = &rule->keys[k];
            if (key->kind != KEY_PIN)
                continue;
            usable = true;
            if (pin != NULL && pin_equal(&key->pin, pin))
                return REASON_NONE;
        }
    }
    if (pin == NULL)
        return REASON_NO_CERTIFICATE;
    return usable ? REASON_MISMATCH : REASON_UNRESOLVED;
}

const struct pin_rule *requirement_rule(const struct requirement *requirement)
{
    return requirement->match.rules[0];
}
