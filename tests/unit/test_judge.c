/* Modes, and the names of a peer. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/judge.h"
#include "tests/unit/support.h"

#define A            "0000000000000000000000000000000000000000000000000000000000000001"
#define B            "0000000000000000000000000000000000000000000000000000000000000002"
#define RULES(rules) "security: { pinned_public_keys = ( " rules " ); };"

static struct policy *policy;
static struct requirement requirements[PEER_NAMES_MAX];
static struct peer peer;

static void clean(void)
{
    fixture_clean();
    policy_free(policy);
}

TestSuite(judge, .init = fixture_make, .fini = clean);

static void load(const char *text)
{
    char whole[4096] = "version = 1; ";
    policy_free(policy);
    policy = load_text(&directory, strcat(whole, text), &findings);
    cr_assert_not_null(policy, "%s", findings.text);
}

/* The requirements for a peer of one or two names. */
static size_t ask(const char *one, const char *two, unsigned port)
{
    peer = (struct peer){.name_count = two == NULL ? 1 : 2, .port = (uint16_t)port};
    cr_assert(domain_from_peer(one, &peer.names[0].domain));
    if (two != NULL)
        cr_assert(domain_from_peer(two, &peer.names[1].domain));
    return judge_requirements(policy, NULL, &peer, requirements, NULL);
}

static enum reason reason(size_t i, const char *hex)
{
    struct pin pin;
    struct judgement judgement;
    struct evidence evidence = {.has_key = hex != NULL, .pin = hex == NULL ? NULL : &pin};
    if (hex != NULL)
        cr_assert(pin_from_hex(hex, 64, &pin));
    judge(&requirements[i], &evidence, &judgement);
    return judgement.reason;
}

Test(judge, a_pin_admits_its_key_and_no_other)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "\"; }"));
    cr_assert_eq(ask("a", NULL, 1), 1);
    cr_expect_eq(requirements[0].mode, MODE_ENFORCE);
    cr_expect_eq(reason(0, A), REASON_NONE);
    cr_expect_eq(reason(0, B), REASON_MISMATCH);
    cr_expect_eq(reason(0, NULL), REASON_NO_CERTIFICATE);
    cr_expect_eq(ask("b", NULL, 1), 0);
}

Test(judge, the_rules_for_a_name_that_ask_for_nothing_are_told_too)
{
    static const struct {
        const char *name;
        unsigned port;
        enum mode mode;
        bool found, any_port;
    } cases[] = {{"a", 1, MODE_OFF, true, false},
                 {"b", 1, MODE_REPORT, true, false},
                 {"c", 1, MODE_ENFORCE, true, false},
                 {"c", 3, MODE_ENFORCE, true, true},
                 {"d", 1, MODE_OFF, false, false}};
    load(RULES("{ domain = \"a\"; mode = \"off\"; }, { domain = \"b\"; keys = \"" A
               "\"; mode = \"report\"; }, { domain = \"c:1\"; keys = \"" A
               "\"; }, { domain = \"c:2\"; keys = \"" A "\"; mode = \"off\"; }"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct requirement requirement;
        ask(cases[i].name, NULL, cases[i].port);
        cr_expect_eq(judge_name(policy, NULL, &peer, &peer.names[0], &requirement), cases[i].found);
        cr_expect_eq(requirement.mode, cases[i].mode, "%zu", i);
        cr_expect_eq(requirement.match.any_port, cases[i].any_port, "%zu", i);
        cr_expect_eq(requirement.name, &peer.names[0]);
    }
}

Test(judge, any_pin_of_a_rule_counts)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "," B "\"; }"));
    cr_assert_eq(ask("a", NULL, 1), 1);
    cr_expect_eq(reason(0, A), REASON_NONE);
    cr_expect_eq(reason(0, B), REASON_NONE);
}

Test(judge, a_rules_own_mode_beats_the_policys)
{
    static const char *const modes[] = {"enforce", "report", "off"};
    char text[256];
    for (int policy_mode = 0; policy_mode < 3; policy_mode++) {
        for (int rule_mode = -1; rule_mode < 3; rule_mode++) {
            int counts = rule_mode < 0 ? policy_mode : rule_mode;
            snprintf(text, sizeof text,
                     "mode = \"%s\"; " RULES("{ domain = \"a\"; keys = \"" A "\"; %s%s%s }"),
                     modes[policy_mode], rule_mode < 0 ? "" : "mode = \"",
                     rule_mode < 0 ? "" : modes[rule_mode], rule_mode < 0 ? "" : "\";");
            load(text);
            cr_assert_eq(ask("a", NULL, 1), counts == 2 ? 0 : 1, "%s", text);
            if (counts != 2)
                cr_expect_eq(requirements[0].mode, counts == 0 ? MODE_ENFORCE : MODE_REPORT, "%s", text);
        }
    }
}

Test(judge, an_exception_to_a_wildcard)
{
    load(
        RULES("{ domain = \"**.example\"; keys = \"" A "\"; }, { domain = \"x.example\"; mode = \"off\"; }"));
    cr_expect_eq(ask("y.example", NULL, 1), 1);
    cr_expect_eq(ask("x.example", NULL, 1), 0);
}

Test(judge, two_names_are_under_both_rules)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "\"; }, { domain = \"b\"; keys = \"" B
               "\"; mode = \"report\"; }, "
               "{ domain = [ \"c\", \"d\" ]; keys = \"" B "\"; }"));
    cr_assert_eq(ask("a", "b", 1), 2);
    cr_expect_eq(reason(0, A), REASON_NONE);
    cr_expect_eq(reason(1, A), REASON_MISMATCH);
    cr_expect_eq(requirements[1].mode, MODE_REPORT);
    cr_expect_eq(ask("a", "unknown", 1), 1);
    cr_expect_eq(ask("unknown", "a", 1), 1);
    cr_expect_eq(ask("c", "d", 1), 1, "one rule is asked once");
}

Test(judge, where_the_port_is_not_known_any_pin_counts_and_the_strictest_mode)
{
    load(RULES("{ domain = \"a:1\"; keys = \"" A "\"; mode = \"report\"; }, { domain = \"a:2\"; keys = \"" B
               "\"; }"));
    cr_assert_eq(ask("a", NULL, 0), 1);
    cr_expect(requirements[0].match.any_port);
    cr_expect_eq(requirements[0].mode, MODE_ENFORCE);
    cr_expect_eq(reason(0, A), REASON_NONE);
    cr_expect_eq(reason(0, B), REASON_NONE);
    cr_assert_eq(ask("a", NULL, 1), 1);
    cr_expect_eq(requirements[0].mode, MODE_REPORT);
    cr_expect_eq(reason(0, B), REASON_MISMATCH);
}
