/* `ca_file` and `ca_path`, of the policy and of rules. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support.h"

#define PIN     "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define BUNDLE  "# a bundle\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
#define REQUIRE "verify = \"require\"; "

TestSuite(anchors, .init = fixture_make, .fini = fixture_clean);

static char path_text[128];

/* The path of a file in the test's directory. */
static const char *in_directory(const char *name)
{
    snprintf(path_text, sizeof path_text, "%s/%s", directory.path, name);
    return path_text;
}

/* A policy with these settings on line 2, and on line 3 a rule that has these. */
static struct policy *with(const char *global, const char *of_rule)
{
    char text[1024];
    snprintf(text, sizeof text,
             "version = 1;\n%s\nsecurity: { pinned_public_keys = ( { domain = \"a\"; keys = \"" PIN
             "\"; %s }, { domain = \"b\"; keys = \"" PIN "\"; } ); };",
             global, of_rule);
    return load_text(&directory, text, &findings);
}

static void expect_refused(const char *setting, const char *words)
{
    for (int in_rule = 0; in_rule < 2; in_rule++) {
        char of_rule[256], where[64];
        snprintf(of_rule, sizeof of_rule, REQUIRE "%s", setting);
        struct policy *policy = in_rule ? with("", of_rule) : with(setting, "");
        cr_expect_null(policy, "%s", setting);
        snprintf(where, sizeof where, "/policy.cfg:%d: ca_", in_rule ? 3 : 2);
        cr_expect_not_null(strstr(findings.text, where), "%s", findings.text);
        cr_expect_not_null(strstr(findings.text, words), "%s\n%s", words, findings.text);
        policy_free(policy);
    }
}

Test(anchors, the_text_of_a_file_is_kept)
{
    directory_text(&directory, "ca.pem", BUNDLE);
    struct policy *policy = with("ca_file = \"ca.pem\"; ca_path = \".\";", REQUIRE);
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(findings.warnings + findings.unresolved, 0, "%s", findings.text);
    cr_expect_str_eq(policy->anchors->file, in_directory("ca.pem"));
    cr_expect_str_eq(policy->anchors->file_text, BUNDLE);
    cr_expect_str_eq(policy->anchors->path, in_directory("."));
    cr_expect_eq(policy->pin_rules[0]->anchors, policy->anchors);
    policy_free(policy);
}

Test(anchors, a_rules_own_place_replaces_the_global_one)
{
    directory_text(&directory, "ca.pem", BUNDLE);
    directory_text(&directory, "own.pem", BUNDLE "\n");
    struct policy *policy = with("ca_file = \"ca.pem\";", REQUIRE "ca_file = \"own.pem\";");
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_str_eq(policy->pin_rules[0]->anchors->file_text, BUNDLE "\n");
    cr_expect_eq(policy->pin_rules[1]->anchors, policy->anchors);
    cr_expect_str_eq(policy->anchors->file_text, BUNDLE);
    policy_free(policy);
    policy = with("ca_file = \"ca.pem\";", REQUIRE "ca_path = \"/\";");
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_null(policy->pin_rules[0]->anchors->file, "the file is replaced too");
    cr_expect_str_eq(policy->pin_rules[0]->anchors->path, "/");
    policy_free(policy);
}

Test(anchors, one_that_is_missing_is_unresolved)
{
    struct policy *policy = with("ca_file = \"none.pem\";", REQUIRE "ca_path = \"none\";");
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(findings.unresolved, 2, "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:2: ca_file: "), "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:3: ca_path: "), "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, "No such file"), "%s", findings.text);
    cr_expect_str_eq(policy->anchors->file, in_directory("none.pem"),
                     "it is not taken for one without a place");
    cr_expect_null(policy->anchors->file_text);
    cr_expect_str_eq(policy->pin_rules[0]->anchors->path, in_directory("none"));
    policy_free(policy);
}

Test(anchors, files_that_hold_something_else)
{
    static const unsigned char der[] = {0x30, 0x82, 0x01, 0x00, 0x30, 0x81, 0xf0, 0xa0, 0x03};
    directory_write(&directory, "ca.der", der, sizeof der);
    expect_refused("ca_file = \"ca.der\";", "openssl x509 -inform DER -in ");
    directory_text(&directory, "ca.pem", "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n");
    expect_refused("ca_file = \"ca.pem\";", "holds no CERTIFICATE block");
    directory_text(&directory, "ca.pem", "");
    expect_refused("ca_file = \"ca.pem\";", "holds no CERTIFICATE block");
    directory_write(&directory, "ca.pem", "\0" BUNDLE, sizeof BUNDLE);
    expect_refused("ca_file = \"ca.pem\";", "NUL");
    expect_refused("ca_file = \".\";", "not a regular file");
    expect_refused("ca_path = \"policy.cfg\";", "not a directory");
}

Test(anchors, what_others_may_change_is_refused)
{
    char sub[128];
    snprintf(sub, sizeof sub, "%s", in_directory("sub"));
    cr_assert_eq(mkdir(sub, 0755), 0);
    const char *file = directory_text(&directory, "ca.pem", BUNDLE);
    struct policy *policy = with("ca_file = \"ca.pem\"; ca_path = \"sub\";", REQUIRE);
    cr_expect_not_null(policy, "%s", findings.text);
    policy_free(policy);
    chmod(file, 0660);
    chmod(sub, 0770);
    expect_refused("ca_file = \"ca.pem\";", "chmod go-w");
    expect_refused("ca_path = \"sub\";", "chmod go-w");
    chmod(sub, 01777);
    expect_refused("ca_path = \"sub\";", "chmod go-w");
    if (geteuid() == 0) {
        chmod(file, 0600);
        chmod(sub, 0700);
        cr_assert_eq(chown(file, 65534, 0), 0);
        cr_assert_eq(chown(sub, 65534, 0), 0);
        expect_refused("ca_file = \"ca.pem\";", "belongs to user 65534");
        expect_refused("ca_path = \"sub\";", "belongs to user 65534");
    }
}

Test(anchors, a_place_of_a_rule_that_verifies_nothing_is_a_warning)
{
    static const struct {
        const char *text;
        unsigned warnings;
    } cases[] = {
        {"ca_file = \"ca.pem\";", 1},
        {"ca_path = \"/\"; verify = \"pin\";", 1},
        {"ca_path = \"/\"; verify = \"program\"; target = \"leaf\";", 1},
        {"ca_file = \"ca.pem\"; verify = \"require\";", 0},
        {"ca_path = \"/\"; target = \"chain\";", 0},
    };
    directory_text(&directory, "ca.pem", BUNDLE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy *policy = with("", cases[i].text);
        cr_expect_not_null(policy, "%s", findings.text);
        cr_expect_eq(findings.warnings, cases[i].warnings, "%s %s", cases[i].text, findings.text);
        cr_expect(findings.warnings == 0 || strstr(findings.text, "has no effect") != NULL, "%s",
                  findings.text);
        policy_free(policy);
    }
}

/* A bundle for each of them would be more than a policy may take. */
Test(anchors, many_rules_share_what_they_name_alike)
{
    enum { RULES = 100000, BYTES = 200000 };
    char *bundle = malloc(BYTES + sizeof BUNDLE);
    memset(bundle, '#', BYTES);
    strcpy(bundle + BYTES, "\n" BUNDLE + 2);
    directory_write(&directory, "one.pem", bundle, BYTES + sizeof BUNDLE - 2);
    directory_write(&directory, "two.pem", bundle, BYTES + sizeof BUNDLE - 2);
    char *text = malloc((size_t)RULES * 100);
    char *out = stpcpy(text, "version = 1; security: { pinned_public_keys = ( ");
    for (int i = 0; i < RULES; i++)
        out += sprintf(out, "%s{ domain = \"d%d\"; verify = \"require\"; %s }", i == 0 ? "" : ",", i,
                       i % 3 == 0   ? ""
                       : i % 3 == 1 ? "ca_file = \"one.pem\";"
                                    : "ca_file = \"two.pem\";");
    stpcpy(out, " ); };");
    struct policy *policy = load_text(&directory, text, &findings);
    cr_assert_not_null(policy, "%s", findings.text);
    for (size_t i = 0; i < RULES; i++)
        cr_assert_eq(policy->pin_rules[i]->anchors,
                     i % 3 == 0 ? policy->anchors : policy->pin_rules[i % 3]->anchors);
    cr_expect_neq(policy->pin_rules[1]->anchors, policy->pin_rules[2]->anchors);
    policy_free(policy);
    free(text);
    free(bundle);
}
