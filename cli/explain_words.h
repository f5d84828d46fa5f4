/* The words of the policy file for what a rule says. */
#ifndef TLSGRAFT_EXPLAIN_WORDS_H
#define TLSGRAFT_EXPLAIN_WORDS_H

#include <stdbool.h>

#include "policy/policy.h"

static inline const char *explain_target(const struct pin_rule *rule)
{
    return rule->target == TARGET_CHAIN ? "chain" : "leaf";
}

static inline const char *explain_verify(const struct pin_rule *rule)
{
    static const char *const words[] = {
        [VERIFY_PROGRAM] = "program",
        [VERIFY_REQUIRE] = "require",
        [VERIFY_PIN] = "pin",
    };
    return words[rule->verify];
}

static inline const char *explain_after_expiry(const struct pin_rule *rule)
{
    return rule->after_expiry == AFTER_EXPIRY_REFUSE ? "refuse" : "report";
}

static inline const char *explain_about(enum about about)
{
    static const char *const words[] = {
        [ABOUT_ALLOW] = "allow",
        [ABOUT_REPORT] = "report",
        [ABOUT_REFUSE] = "refuse",
    };
    return words[about];
}

/* Does the policy verify anything for it, so that `ca_file` and `ca_path` count? */
static inline bool explain_verifies(const struct pin_rule *rule)
{
    return rule->verify == VERIFY_REQUIRE || rule->target == TARGET_CHAIN;
}

#endif
