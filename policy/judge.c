#include "policy/judge.h"

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

struct strictest {
    const struct policy *policy;
    enum mode mode;
};

/* Enforce beats report beats off: where the rules for every port apply, several speak. */
static bool make_stricter(void *rule, void *context)
{
    struct strictest *strictest = context;
    enum mode mode = policy_rule_mode(strictest->policy, rule);
    if (mode < strictest->mode)
        strictest->mode = mode;
    return strictest->mode == MODE_ENFORCE;
}

size_t judge_requirements(const struct policy *policy, const struct peer *peer,
                          struct requirement requirements[PEER_NAMES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < peer->name_count; i++) {
        struct requirement *requirement = &requirements[count];
        struct strictest strictest = {policy, MODE_OFF};
        rule_index_find(&policy->pins, &peer->names[i], peer->port, &requirement->match);
        if (requirement->match.rule == NULL)
            continue;
        /* One rule that both names lead to need not be asked twice. */
        if (count > 0 && !requirements[0].match.any_port && !requirement->match.any_port &&
            requirements[0].match.rule == requirement->match.rule)
            continue;
        rule_match_each(&requirement->match, make_stricter, &strictest);
        requirement->policy = policy;
        requirement->name = &peer->names[i];
        requirement->mode = strictest.mode;
        count += requirement->mode != MODE_OFF;
    }
    return count;
}

struct key_walk {
    key_visit *visit;
    void *context;
};

static bool visit_keys(void *visited, void *context)
{
    const struct pin_rule *rule = visited;
    const struct key_walk *walk = context;
    for (size_t i = 0; i < rule->key_count; i++) {
        if (walk->visit(rule, &rule->keys[i], walk->context))
            return true;
    }
    return false;
}

void requirement_each_key(const struct requirement *requirement, key_visit *visit, void *context)
{
    struct key_walk walk = {visit, context};
    rule_match_each(&requirement->match, visit_keys, &walk);
}

struct comparison {
    const struct policy *policy;
    const struct pin *pin; /* of the peer; NULL: none */
    bool usable;           /* some key could be read */
    bool admitted;
};

static bool compare(const struct pin_rule *rule, const struct key *key, void *context)
{
    struct comparison *comparison = context;
    const struct pin *pin = policy_key_pin(comparison->policy, key);
    (void)rule;
    if (pin == NULL)
        return false;
    comparison->usable = true;
    comparison->admitted = comparison->pin != NULL && pin_equal(pin, comparison->pin);
    return comparison->admitted;
}

enum reason judge_pin(const struct requirement *requirement, const struct pin *pin)
{
    struct comparison comparison = {.policy = requirement->policy, .pin = pin};
    requirement_each_key(requirement, compare, &comparison);
    if (comparison.admitted)
        return REASON_NONE;
    if (pin == NULL)
        return REASON_NO_CERTIFICATE;
    return comparison.usable ? REASON_MISMATCH : REASON_UNRESOLVED;
}

const struct pin_rule *requirement_rule(const struct requirement *requirement)
{
    return requirement->match.rule;
}
