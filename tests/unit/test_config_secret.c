/* The secret of private keys, and the password of a store: where they come from, and who may read them. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support.h"

#define SETTING      "private_certificate_encoding_secret"
#define VARIABLE     "TLSGRAFT_SECURITY_PRIVATECERTIFICATEENCODINGSECRET"
#define GATEWAY      "TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET"
#define IN_PLACE     SETTING " = \"hush in place\";"
#define IN_FILE      SETTING "_file = \"secret\";"
#define FILE_CONTENT "hush in file"

TestSuite(secret, .init = fixture_make, .fini = fixture_clean);

/* The environment: NULL for what is not set. */
static const char *variable, *variable_file, *gateway;

static char *environment(const char *name)
{
    const char *value = strcmp(name, VARIABLE) == 0          ? variable
                        : strcmp(name, VARIABLE "FILE") == 0 ? variable_file
                        : strcmp(name, GATEWAY) == 0         ? gateway
                                                             : NULL;
    return (char *)value;
}

/* A policy with these settings in `security`, in this environment; NULL: refused. Never tells a secret. */
static struct policy *with(const char *settings)
{
    char text[1024];
    snprintf(text, sizeof text, "version = 1;\nsecurity: {\n%s\n};", settings);
    struct policy *policy =
        load_with(directory_text(&directory, "policy.cfg", text), environment, &findings, NULL);
    cr_expect_null(strstr(findings.text, "hush"), "%s", findings.text);
    return policy;
}

static void expect_secret(const char *settings, const char *secret, const char *from)
{
    char place[256];
    struct policy *policy = with(settings);
    cr_assert_not_null(policy, "%s\n%s", settings, findings.text);
    cr_assert_eq(policy->secret.length, secret == NULL ? 0 : strlen(secret), "%s", settings);
    cr_expect_eq(policy->secret.data == NULL, secret == NULL);
    cr_expect(secret == NULL || memcmp(policy->secret.data, secret, strlen(secret)) == 0, "%s", settings);
    snprintf(place, sizeof place, from == NULL ? "" : from, directory.path);
    cr_expect_str_eq(policy->secret_from == NULL ? "" : policy->secret_from, place);
    policy_free(policy);
}

static void expect_refused(const char *settings, const char *words)
{
    struct policy *policy = with(settings);
    cr_expect_null(policy, "%s", settings);
    cr_expect_eq(findings.errors, 1, "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, words), "%s\n%s", settings, findings.text);
    policy_free(policy);
}

Test(secret, from_the_settings)
{
    directory_text(&directory, "secret", FILE_CONTENT "\n");
    expect_secret("", NULL, NULL);
    expect_secret(IN_PLACE, "hush in place", "security." SETTING " at %s/policy.cfg:3");
    expect_secret("\n" IN_FILE, FILE_CONTENT, "security." SETTING "_file at %s/policy.cfg:4");
}

Test(secret, variables_win_over_the_settings_and_the_gateways_is_the_last_resort)
{
    directory_text(&directory, "secret", FILE_CONTENT "\n");
    directory_text(&directory, "other", "hush other");
    static const char *const settings[] = {"", IN_PLACE, IN_FILE};
    static const char *const texts[] = {"hush gateway", "hush in place", FILE_CONTENT};
    static const char *const from[] = {"the variable " GATEWAY, "security." SETTING " at %s/policy.cfg:3",
                                       "security." SETTING "_file at %s/policy.cfg:3"};
    for (size_t i = 0; i < 3; i++) {
        gateway = "hush gateway";
        expect_secret(settings[i], texts[i], from[i]);
        variable = "hush variable";
        expect_secret(settings[i], "hush variable", "the variable " VARIABLE);
        variable = NULL;
        variable_file = "other";
        expect_secret(settings[i], "hush other", "the variable " VARIABLE "FILE");
        variable_file = NULL;
        gateway = NULL;
    }
}

Test(secret, a_variable_makes_the_file_of_the_setting_needless)
{
    variable = "hush variable";
    expect_secret(IN_FILE, "hush variable", "the variable " VARIABLE);
    cr_expect_eq(findings.unresolved, 0, "%s", findings.text);
}

Test(secret, an_empty_variable_of_the_gateway_is_none)
{
    gateway = "";
    expect_secret("", NULL, NULL);
}

Test(secret, only_one_of_the_two)
{
    char words[512];
    directory_text(&directory, "secret", FILE_CONTENT);
    snprintf(words, sizeof words,
             "%s/policy.cfg:4: " SETTING
             "_file: the secret is given in place too, at %s/policy.cfg:3; allowed is one "
             "of them",
             directory.path, directory.path);
    expect_refused(IN_PLACE "\n" IN_FILE, words);
    variable = "hush variable";
    expect_refused(IN_PLACE "\n" IN_FILE, words);
    variable_file = "secret";
    expect_refused("", VARIABLE "FILE: " VARIABLE " is set too; allowed is one of them");
}

Test(secret, an_empty_one_is_refused)
{
    expect_refused(SETTING " = \"\";", "/policy.cfg:3: " SETTING ": empty; write the secret");
    directory_text(&directory, "secret", "");
    expect_refused(IN_FILE, "/secret is empty");
    directory_text(&directory, "secret", "\n");
    expect_refused(IN_FILE, "/secret is empty");
    expect_refused(SETTING "_file = \"\";", "empty; allowed is a path");
    variable = "";
    expect_refused("", VARIABLE ": empty; set it to the secret, or unset it");
    variable = NULL;
    variable_file = "";
    expect_refused("", VARIABLE "FILE: empty; set it to the path of a file");
}

Test(secret, one_final_newline_does_not_count_and_bytes_are_bytes)
{
    static const struct {
        const char *content;
        size_t length, kept;
    } cases[] = {{"a", 1, 1},     {"a\n", 2, 1},   {"a\n\n", 3, 2},
                 {"\na\n", 3, 2}, {"a\r\n", 3, 2}, {"a\0b\n", 4, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        directory_write(&directory, "secret", cases[i].content, cases[i].length);
        struct policy *policy = with(IN_FILE);
        cr_assert_not_null(policy, "%s", findings.text);
        cr_assert_eq(policy->secret.length, cases[i].kept, "%zu", i);
        cr_expect_arr_eq(policy->secret.data, cases[i].content, cases[i].kept);
        policy_free(policy);
    }
}

Test(secret, a_file_that_others_may_read_or_change_is_refused)
{
    static const struct {
        mode_t mode;
        const char *words;
    } cases[] = {{0600, NULL},
                 {0400, NULL},
                 {0640, NULL},
                 {0660, "writable by others"},
                 {0644, "readable by others than its owner and group (mode 0644); run: chmod o-rwx"},
                 {0604, "readable by others than its owner and group"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(chmod(directory_text(&directory, "secret", FILE_CONTENT), cases[i].mode), 0);
        for (int which = 0; which < 3; which++) {
            variable_file = which == 1 ? "secret" : NULL;
            struct policy *policy =
                which == 2
                    ? load_text(&directory,
                                "version = 1; store: { type = \"redis\"; password_file = \"secret\"; };",
                                &findings)
                    : with(which == 0 ? IN_FILE : "");
            cr_expect_eq(policy != NULL, cases[i].words == NULL, "%o %d\n%s", cases[i].mode, which,
                         findings.text);
            cr_expect(cases[i].words == NULL || strstr(findings.text, cases[i].words) != NULL, "%s",
                      findings.text);
            policy_free(policy);
        }
        unlink(strcat(strcpy((char[128]){""}, directory.path), "/secret"));
    }
}

Test(secret, a_file_that_cannot_be_read_keeps_no_rule_from_working)
{
    struct policy *policy = with(IN_FILE);
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(findings.unresolved, 1);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:3: " SETTING "_file: "), "%s", findings.text);
    cr_expect_not_null(strstr(findings.text,
                              "/secret cannot be read: No such file or directory; mend the path or its "
                              "permissions: until then the private keys of the store cannot be used"),
                       "%s", findings.text);
    cr_expect_null(policy->secret.data);
    cr_expect_not_null(strstr(policy->secret_from, SETTING "_file at "), "it is known where to look");
    policy_free(policy);
    gateway = "hush gateway"; /* not what was asked for */
    expect_secret(IN_FILE, NULL, "security." SETTING "_file at %s/policy.cfg:3");
    policy = load_text(&directory, "version = 1; store: { type = \"redis\"; password_file = \"secret\"; };",
                       &findings);
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(findings.unresolved, 1);
    cr_expect_not_null(strstr(findings.text, "password_file: "), "%s", findings.text);
    cr_expect_null(policy->store.password);
    policy_free(policy);
}

Test(secret, no_larger_than_a_secret_may_be)
{
    static char large[(64 << 10) + 2];
    memset(large, 'x', sizeof large - 1);
    directory_write(&directory, "secret", large, 64 << 10);
    struct policy *policy = with(IN_FILE);
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(policy->secret.length, 64 << 10);
    policy_free(policy);
    directory_write(&directory, "secret", large, (64 << 10) + 1);
    expect_refused(IN_FILE, "larger than 65536 bytes");
}

Test(secret, the_files_are_watched)
{
    struct watch watch = {0};
    directory_text(&directory, "secret", FILE_CONTENT);
    directory_text(&directory, "password", "hush");
    const char *path =
        directory_text(&directory, "policy.cfg",
                       "version = 1; store: { type = \"redis\"; password_file = \"password\"; };\n"
                       "security: { " IN_FILE " };");
    struct policy *policy = load_watched(path, &findings, &watch);
    cr_assert_not_null(policy, "%s", findings.text);
    policy_free(policy);
    cr_expect_eq(watch.count, 3);
    cr_expect_not(watch_has_changed(&watch));
    directory_text(&directory, "password", "hush hush");
    cr_expect(watch_has_changed(&watch));
    watch_free(&watch);
}

#ifndef __SANITIZE_ADDRESS__ /* whose heap is another, and may not be looked at */
/* Is it anywhere in the heap, in use or free? */
static bool heap_holds(const char *needle)
{
    char line[256];
    size_t length = strlen(needle);
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL) {
        char *end;
        if (strstr(line, "[heap]") == NULL)
            continue;
        unsigned long from = strtoul(line, &end, 16);
        unsigned long to = strtoul(end + 1, NULL, 16);
        found = memmem((const void *)from, to - from, needle, length) != NULL;
    }
    if (maps != NULL)
        fclose(maps);
    return found;
}

Test(secret, none_is_left_in_freed_memory)
{
    static const char *const settings[] = {IN_PLACE, IN_FILE, "", ""};
    char needle[16] = "hush";
    strcat(needle, " i");
    directory_text(&directory, "secret", FILE_CONTENT);
    for (size_t i = 0; i < 4; i++) {
        gateway = i == 2 ? "hush in a variable" : NULL;
        variable_file = i == 3 ? "secret" : NULL;
        struct policy *policy = with(settings[i]);
        cr_assert_not_null(policy, "%s", findings.text);
        cr_expect(heap_holds(needle), "or the test tests nothing");
        policy_free(policy);
        cr_expect_not(heap_holds(needle), "%zu", i);
    }
    struct policy *policy = load_text(
        &directory, "version = 1; store: { type = \"redis\"; password_file = \"secret\"; };", &findings);
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect(heap_holds(needle));
    policy_free(policy);
    cr_expect_not(heap_holds(needle));
    expect_refused(IN_PLACE " x = 1;", "unknown setting");
    cr_expect_not(heap_holds(needle));
}
#endif
