/* Sections for programs: which one is a program's, and what becomes of their rules. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/resolve.h"
#include "tests/unit/support.h"

#define PIN       "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define PINS(pin) "pinned_public_keys = ( " pin " );"

TestSuite(sections, .init = fixture_make, .fini = fixture_clean);

static struct policy *loaded(const char *text)
{
    struct policy *policy = load_text(&directory, text, &findings);
    cr_assert_not_null(policy, "%s\n%s", text, findings.text);
    return policy;
}

/* The rule that a section's own index has for a name; NULL: none. */
static const struct pin_rule *rule_of(const struct rule_index *index, const char *name)
{
    struct domain domain;
    struct rule_match match;
    cr_assert(domain_from_peer(name, &domain));
    rule_index_find(index, &domain, 443, true, &match);
    return match.rule;
}

Test(sections, which_one_is_a_programs)
{
    static const struct {
        const char *pattern, *path, *name;
        bool matches;
    } cases[] = {
        {"/opt/billing/bin/*", "/opt/billing/bin/billingd", NULL, true},
        {"/opt/billing/bin/*", "/opt/billing/bin/sub/billingd", NULL, false}, /* FNM_PATHNAME */
        {"/opt/*/bin/billingd", "/opt/billing/bin/billingd", NULL, true},
        {"/opt/*/billingd", "/opt/billing/bin/billingd", NULL, false},
        {"/opt/billing", "/opt/billing/bin/billingd", NULL, false},
        {"/usr/bin/python3.[0-9]*", "/usr/bin/python3.11", NULL, true},
        {"/usr/bin/curl", NULL, "curl", false},
        {"/usr/bin/curl", NULL, "/usr/bin/curl", false}, /* a name is no path */
        {"*/curl", "/curl", NULL, true},
        {"*/curl", "/usr/bin/curl", NULL, false},
        {"billingd", "/opt/billing/bin/billingd", NULL, true},
        {"billingd", "/opt/billingd/bin/other", NULL, false},
        {"billing*", "/opt/billing/bin/billingd", NULL, true},
        {"billingd", "billingd", NULL, true},
        {"billingd", "/usr/bin/python3", "billingd", true},
        {"bill?ngd", "/usr/bin/python3", "billingd", true},
        {"billingd", "/usr/bin/python3", "billingd2", false},
        {"python3", "/usr/bin/python3", "billingd", true}, /* the name does not hide the path */
        {"billingd", NULL, "billingd", true},
        {"*", "/usr/bin/python3", NULL, true},
        {"*", NULL, "x", true},
        {"*", NULL, NULL, false},
        {"Curl", "/usr/bin/curl", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "version = 1; programs = ( { name = \"s\"; match = \"%s\"; } );",
                 cases[i].pattern);
        struct policy *policy = loaded(text);
        const struct section *section = policy_section(policy, cases[i].path, cases[i].name);
        cr_expect_eq(section == policy->sections, cases[i].matches, "%zu: %s", i, cases[i].pattern);
        policy_free(policy);
    }
}

Test(sections, the_first_that_matches_is_it)
{
    struct policy *policy =
        loaded("version = 1; programs = (\n{ name = \"one\"; match = [ \"a\", \"b\" ]; },\n{ name = "
               "\"two\"; match = [ \"b\", \"c\" ]; } );");
    cr_assert_eq(policy->section_count, 2);
    cr_expect_str_eq(policy_section(policy, "/bin/a", NULL)->name, "one");
    cr_expect_str_eq(policy_section(policy, "/bin/b", NULL)->name, "one");
    cr_expect_str_eq(policy_section(policy, "/bin/c", NULL)->name, "two");
    cr_expect_str_eq(policy_section(policy, "/bin/c", "a")->name, "one");
    cr_expect_null(policy_section(policy, "/bin/d", NULL));
    cr_expect_eq(policy->sections[1].source.line, 3);
    cr_expect_str_eq(policy->sections[1].source.file, policy->path);
    policy_free(policy);
}

Test(sections, their_rules_are_their_own_and_in_the_list_of_all)
{
    struct policy *policy = loaded("version = 1;\nsecurity: { " PINS(
        "{ domain = \"a\"; keys = \"" PIN
        "\"; }") " };\n"
                 "programs = ( { name = \"x\"; match = \"x\";\n" PINS(
                     "{ domain = \"a\"; mode = \"off\"; },\n{ domain = \"b\"; keys = \"" PIN
                     "\"; }") " },\n"
                              "{ name = \"y\"; match = \"y\";\n" PINS(
                                  "{ domain = \"*\"; min_version = \"1.2\"; }") " } );");
    cr_assert_eq(policy->pin_rule_count, 4);
    static const unsigned lines[] = {2, 4, 5, 7};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(policy->pin_rules[i]->source.line, lines[i], "%zu", i);
    cr_expect_eq(rule_of(&policy->pins, "a"), policy->pin_rules[0]);
    cr_expect_eq(policy->sections[0].source.file, policy->pin_rules[3]->source.file, "it is the policy's");
    cr_expect_null(rule_of(&policy->pins, "b"));
    cr_expect_eq(rule_of(&policy->sections[0].pins, "a"), policy->pin_rules[1]);
    cr_expect_eq(rule_of(&policy->sections[0].pins, "b"), policy->pin_rules[2]);
    cr_expect_null(rule_of(&policy->sections[0].pins, "c"));
    cr_expect_eq(rule_of(&policy->sections[1].pins, "c"), policy->pin_rules[3]);
    policy_free(policy);
}

Test(sections, pinning_disabled_takes_away_only_their_own_rules)
{
    struct policy *policy = loaded("version = 1; security: { " PINS(
        "{ domain = \"a\"; keys = \"" PIN
        "\"; }") " }; programs = ( { "
                 "name = \"x\"; match = \"x\"; certificate_pinning_disabled = true; "
                 "upstream_certificates_disabled = true; upstream_certificates = ( ); " PINS(
                     "{ domain = \"a\"; keys = [ \"" PIN "\", \"" PIN
                     "\" ]; }") " }, { name = \"y\"; match = "
                                "\"y\"; certificate_pinning_disabled = false; " PINS(
                                    "{ domain = \"a\"; mode = \"off\"; }") " } );");
    cr_expect_eq(policy->pin_rule_count, 3);
    cr_expect_null(rule_of(&policy->sections[0].pins, "a"));
    cr_expect_eq(rule_of(&policy->sections[1].pins, "a"), policy->pin_rules[2]);
    cr_expect_eq(rule_of(&policy->pins, "a"), policy->pin_rules[0]);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(policy->pin_rules[i]->disabled, i == 1, "%zu", i);
    cr_expect(policy->sections[0].pinning_disabled);
    cr_expect_not(policy->sections[1].pinning_disabled);
    policy_free(policy);
}

Test(sections, their_pem_keys_become_pins_too)
{
    char why[256] = "";
    directory_text(
        &directory, "key.pem",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n");
    struct policy *policy = loaded("version = 1; programs = ( { name = \"x\"; match = \"x\"; " PINS(
        "{ domain = \"a\"; keys = \"key.pem\"; }") " } );");
    cr_assert(policy_resolve(policy, crypto_table(), why, sizeof why), "%s", why);
    cr_expect_not_null(policy_key_pin(policy, &policy->pin_rules[0]->keys[0]));
    policy_free(policy);
}

Test(sections, a_pattern_that_matches_no_path_is_a_warning)
{
    static const struct {
        const char *pattern;
        unsigned warnings;
    } cases[] = {{"opt/x", 1}, {"?opt/x", 1}, {"./x", 1}, {"[/]opt/x", 1},  {"/opt/x", 0},
                 {"*/x", 0},   {"x", 0},      {"*", 0},   {"\\\\/opt/x", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "version = 1;\nprograms = ( { name = \"s\"; match = \"%s\"; } );",
                 cases[i].pattern);
        struct policy *policy = loaded(text);
        cr_expect_eq(findings.warnings, cases[i].warnings, "%s %s", cases[i].pattern, findings.text);
        /* And so it is. */
        if (cases[i].warnings != 0) {
            cr_expect_null(policy_section(policy, "/opt/x", "opt/x"));
            cr_expect_not_null(strstr(findings.text, "/policy.cfg:2: match: "), "%s", findings.text);
        } else if (strstr(cases[i].pattern, "opt") != NULL) {
            cr_expect_not_null(policy_section(policy, "/opt/x", NULL));
        }
        policy_free(policy);
    }
}

Test(sections, many)
{
    enum { COUNT = 100000 };
    char *text = malloc((size_t)COUNT * 120);
    char *out = stpcpy(text, "version = 1; programs = ( ");
    for (int i = 0; i < COUNT; i++)
        out += sprintf(
            out, "%s{name=\"n%d\";match=\"m%d\";pinned_public_keys=({domain=\"*\";min_version=\"1.2\";});}",
            i == 0 ? "" : ",", i, i);
    stpcpy(out, " );");
    struct policy *policy = loaded(text);
    cr_expect_eq(policy->section_count, COUNT);
    cr_expect_eq(policy->pin_rule_count, COUNT);
    cr_expect_eq(policy_section(policy, "/bin/m99999", NULL), &policy->sections[99999]);
    policy_free(policy);
    free(text);
}

Test(sections, a_bracket_that_is_not_closed_is_told)
{
    static const struct {
        const char *pattern;
        unsigned warnings;
    } patterns[] = {{"cur[l", 1},  {"/opt/[a/x", 1}, {"[]x", 1},   {"[!]x", 1},
                    {"cur[l]", 0}, {"[]x]", 0},      {"[!]x]", 0}, {"\\\\[x", 0}};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char text[256];
        snprintf(text, sizeof text, "version = 1;\nprograms = ( { name = \"x\"; match = \"%s\"; } );",
                 patterns[i].pattern);
        struct policy *policy = load_text(&directory, text, &findings);
        cr_assert_not_null(policy, "%s", findings.text);
        cr_expect_eq(findings.warnings, patterns[i].warnings, "%s\n%s", text, findings.text);
        cr_expect_eq(strstr(findings.text, ":2: match: ") != NULL &&
                         strstr(findings.text, "has a [ that is not closed") != NULL,
                     patterns[i].warnings == 1, "%s", findings.text);
        policy_free(policy);
    }
}
