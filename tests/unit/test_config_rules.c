/* What a policy that loads comes to: the settings of peers without a rule, and those of a rule. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"

#define PIN "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

TestSuite(rules, .init = fixture_make, .fini = fixture_clean);

static struct policy *loaded(const char *text)
{
    struct policy *policy = load_text(&directory, text, &findings);
    cr_assert_not_null(policy, "%s\n%s", text, findings.text);
    return policy;
}

static struct policy *with_rule(const char *rule)
{
    char text[1024];
    snprintf(text, sizeof text,
             "version = 1; security: { pinned_public_keys = ( { domain = \"a\"; %s } ); };", rule);
    return loaded(text);
}

Test(rules, peers_without_a_rule_or_a_name)
{
    static const char *const words[] = {"allow", "report", "refuse"};
    struct policy *policy = loaded("version = 1;");
    cr_expect_eq(policy->unmatched, ABOUT_ALLOW);
    cr_expect_eq(policy->unnamed, ABOUT_REPORT);
    policy_free(policy);
    for (int i = 0; i < 9; i++) {
        char text[128];
        snprintf(text, sizeof text, "version = 1; unmatched = \"%s\"; unnamed = \"%s\";", words[i / 3],
                 words[i % 3]);
        policy = loaded(text);
        cr_expect_eq(policy->unmatched, (enum about)(i / 3), "%s", text);
        cr_expect_eq(policy->unnamed, (enum about)(i % 3), "%s", text);
        policy_free(policy);
    }
}

Test(rules, what_a_rule_is_without_more)
{
    struct policy *policy = with_rule("keys = \"" PIN "\";");
    const struct pin_rule *rule = policy->pin_rules[0];
    cr_expect_eq(rule->mode, MODE_UNSET);
    cr_expect_eq(rule->target, TARGET_LEAF);
    cr_expect_eq(rule->verify, VERIFY_PROGRAM);
    cr_expect_eq(rule->min_version, TLS_OLDER);
    cr_expect_not(rule->expires);
    cr_expect_eq(rule->anchors, policy->anchors);
    cr_expect_null(policy->anchors->file);
    cr_expect_null(policy->anchors->path);
    policy_free(policy);
}

Test(rules, targets_and_who_verifies)
{
    static const struct {
        const char *text;
        enum target target;
        enum verify verify;
    } cases[] = {
        {"target = \"chain\";", TARGET_CHAIN, VERIFY_PROGRAM},
        {"target = \"chain\"; verify = \"require\";", TARGET_CHAIN, VERIFY_REQUIRE},
        {"verify = \"require\";", TARGET_LEAF, VERIFY_REQUIRE},
        {"target = \"leaf\"; verify = \"pin\";", TARGET_LEAF, VERIFY_PIN},
        {"verify = \"program\";", TARGET_LEAF, VERIFY_PROGRAM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "keys = \"" PIN "\"; %s", cases[i].text);
        struct policy *policy = with_rule(text);
        cr_expect_eq(policy->pin_rules[0]->target, cases[i].target, "%s", text);
        cr_expect_eq(policy->pin_rules[0]->verify, cases[i].verify, "%s", text);
        policy_free(policy);
    }
}

Test(rules, versions)
{
    static const char *const words[] = {"1.0", "1.1", "1.2", "1.3"};
    for (int i = 0; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "min_version = \"%s\";", words[i]);
        struct policy *policy = with_rule(text);
        cr_expect_eq(policy->pin_rules[0]->min_version, (enum tls_version)(TLS_1_0 + i));
        cr_expect_str_eq(tls_version_name(policy->pin_rules[0]->min_version), words[i]);
        cr_expect_eq(policy->pin_rules[0]->key_count, 0);
        policy_free(policy);
    }
}

Test(rules, expiry)
{
    struct policy *policy = with_rule("keys = \"" PIN "\"; expires = \"2028-02-29\";");
    cr_expect(policy->pin_rules[0]->expires);
    cr_expect_eq(policy->pin_rules[0]->expiry, 1835395200);
    cr_expect_eq(policy->pin_rules[0]->after_expiry, AFTER_EXPIRY_REPORT);
    policy_free(policy);
    policy = with_rule("keys = \"" PIN "\"; expires = \"1969-12-31\"; after_expiry = \"refuse\";");
    cr_expect(policy->pin_rules[0]->expires);
    cr_expect_eq(policy->pin_rules[0]->expiry, -86400);
    cr_expect_eq(policy->pin_rules[0]->after_expiry, AFTER_EXPIRY_REFUSE);
    policy_free(policy);
}
