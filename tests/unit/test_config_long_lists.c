/* Lists of so many rules that they are parsed piece by piece: nobody is to notice. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support.h"

#define RULES 1000
#define HEAD  "version = 1;\nsecurity: { pinned_public_keys = (\n"
#define TAIL  "\n); };\n"
#define FIRST 3 /* line of the first rule; each has one */

TestSuite(long_lists, .init = fixture_make, .fini = fixture_clean);

static char text[RULES * 64];

/* A policy of RULES rules; those with these numbers are other ones. */
struct other {
    int rule;
    const char *text;
};

static struct policy *load(const char *head, const struct other *others, size_t count, const char *tail)
{
    char *out = stpcpy(text, head);
    for (int i = 0; i < RULES; i++) {
        const char *other = NULL;
        for (size_t k = 0; k < count; k++) {
            if (others[k].rule == i)
                other = others[k].text;
        }
        out += sprintf(out, i == 0 ? "" : ",\n");
        if (other != NULL)
            out = stpcpy(out, other);
        else
            out += sprintf(out, "{ domain = \"h%d.example\"; min_version = \"1.2\"; }", i);
    }
    stpcpy(out, tail);
    return load_text(&directory, text, &findings);
}

static void refused(const char *head, const struct other *others, size_t count, const char *tail, int line,
                    const char *words)
{
    char place[64];
    struct policy *policy = load(head, others, count, tail);
    snprintf(place, sizeof place, "policy.cfg:%d: ", line);
    cr_expect_null(policy);
    cr_expect_eq(findings.errors, 1, "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, place), "%s: %s", place, findings.text);
    cr_expect_not_null(strstr(findings.text, words), "%s: %s", words, findings.text);
}

Test(long_lists, every_rule_is_read_and_knows_its_line)
{
    struct policy *policy = load(HEAD, NULL, 0, TAIL);
    cr_assert_not_null(policy, "%s", findings.text);
    cr_assert_eq(policy->pin_rule_count, RULES);
    for (unsigned i = 0; i < RULES; i++)
        cr_assert_eq(policy->pin_rules[i]->source.line, i + FIRST);
    policy_free(policy);
}

Test(long_lists, what_is_wrong_is_told_at_its_line)
{
    static const struct other domain[] = {{777, "{ domain = \"h5.example\"; mode = \"off\"; }"}};
    static const struct other zebra[] = {{999, "{ domain = \"z\"; zebra = 1; mode = \"off\"; }"}};
    static const struct other type[] = {{500, "5"}};
    refused(HEAD, domain, 1, TAIL, 777 + FIRST, "has a rule at");
    refused(HEAD, zebra, 1, TAIL, 999 + FIRST, "zebra: unknown setting");
    refused(HEAD, type, 1, TAIL, 2, "pinned_public_keys: found a list");
    refused("version = 1;\nsecurity: { zebra = (\n", NULL, 0, TAIL, 2, "zebra: unknown setting");
}

/* Nor is anything told of rules before it, or where nobody reads the list. */
Test(long_lists, of_a_fault_in_the_syntax_nothing_else_is_told)
{
    static const struct other late[] = {{3, "{ domain = \"*x\"; mode = \"off\"; }"}, {990, "{ domain = ; }"}};
    static const struct other comma[] = {{640, "{ domain = \"a\"; mode = \"off\"; },"}};
    static const struct other twice[] = {{64, "{ mode = \"off\"; mode = \"off\"; }"}};
    refused(HEAD, late, 2, TAIL, 990 + FIRST, "syntax error");
    refused(HEAD, late, 2, "\n); }; }\n", RULES + FIRST, "closing bracket");
    refused(HEAD, late + 1, 1, "\n); };\n= 5;\n", 990 + FIRST, "syntax error");
    refused(HEAD, comma, 1, TAIL, 640 + FIRST, "syntax error");
    refused(HEAD, twice, 1, TAIL, 64 + FIRST, "duplicate");
    refused("version = 1;\nsecurity: { zebra = (\n", late, 2, TAIL, 990 + FIRST, "syntax error");
}

#define PIN_A "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PIN_B "sha256//BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* Most texts are read past libconfig (config/plain_texts.h), with the same lines and the same words. */
Test(long_lists, a_text_is_the_same_however_it_is_written)
{
    static const struct {
        const char *rule;
        unsigned lines, keys;
    } cases[] = {
        {"{domain=\"one.example\";keys=\"" PIN_A "\";}", 1, 1},
        {"{ keys = [ \"" PIN_A "\", \"" PIN_B "\" ];\n domain = (\"one.example\"); }", 2, 2},
        {"{ domain = \"one.example\"; keys = \"" PIN_A ",\n\n  " PIN_B "\"; }", 3, 2},
        {"{ domain = \"one.example\"; keys = \"sha256//\" \n "
         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"; }",
         2, 1},
        {"{ domain = \"one.example\"; keys = \"\\x73ha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"; }",
         1, 1},
        {"{ domain = \"one.example\"; # said \"so\n keys = \"" PIN_A "\"; }", 2, 1},
        {"{ domain = \"one.example\"; /* \" */ keys = \"" PIN_A "\"; }", 1, 1},
        {"{ domain = \"one.example\"; keys = \"\" \"" PIN_A "\"; }", 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct other other = {130, cases[i].rule};
        struct policy *policy = load(HEAD, &other, 1, TAIL);
        cr_assert_not_null(policy, "%s: %s", cases[i].rule, findings.text);
        const struct pin_rule *rule = policy->pin_rules[130];
        cr_assert_eq(rule->key_count, cases[i].keys, "%s", cases[i].rule);
        cr_expect_str_eq(rule->keys[0].name, PIN_A);
        cr_expect_str_eq(rule->keys[rule->key_count - 1].name, cases[i].keys == 1 ? PIN_A : PIN_B);
        cr_expect_eq(policy->pin_rules[131]->source.line, 130 + cases[i].lines + FIRST, "%s", cases[i].rule);
        cr_expect_eq(policy->pin_rules[131]->min_version, TLS_1_2);
        policy_free(policy);
    }
}

Test(long_lists, what_is_no_text_does_not_become_one)
{
    static const struct other words[] = {{130, "{ do main = \"x\"; mode = \"off\"; }"}};
    static const struct other number[] = {{130, "{ domain = \"x\"; mode = 1 2; }"}};
    static const struct other empty[] = {{130, "{ domain = \"\"; mode = \"off\"; }"}};
    static const struct other mixed[] = {{130, "{ domain = [ \"x\", 5 ]; mode = \"off\"; }"}};
    refused(HEAD, words, 1, TAIL, 130 + FIRST, "syntax error");
    refused(HEAD, number, 1, TAIL, 130 + FIRST, "syntax error");
    refused(HEAD, empty, 1, TAIL, 130 + FIRST, "\"\" is empty");
    refused(HEAD, mixed, 1, TAIL, 130 + FIRST, "mismatched");
}

/* It ends the text for libconfig; what stands behind it must not become the text of the next setting. */
Test(long_lists, a_text_with_a_nul_is_refused)
{
    static const struct other other[] = {
        {RULES - 1, "{ mode = \"off\"; domain = [ \"a.example~b.example\", \"c.example\" ]; }"}};
    policy_free(load(HEAD, other, 1, TAIL));
    size_t length = strlen(text);
    *strchr(text, '~') = '\0';
    findings = (struct findings){0};
    cr_expect_null(load_file(directory_write(&directory, "nul.cfg", text, length), &findings));
    cr_expect_eq(findings.errors, 1, "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, ":1002: a NUL byte"), "%s", findings.text);
}
