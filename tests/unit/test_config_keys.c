/* The items of `keys`. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/pem.h"
#include "tests/unit/support.h"

#define HEX    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BASE64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

TestSuite(keys, .init = fixture_make, .fini = fixture_clean);

/* A policy of an organisation with one rule of these keys (with the quotes); NULL: refused. */
static struct policy *of_organisation(const char *organisation, const char *keys)
{
    char text[16384];
    snprintf(text, sizeof text,
             "version = 1; organisation = \"%s\";\nsecurity: { pinned_public_keys = ( { domain = \"a\"; keys "
             "= %s; } ); };",
             organisation, keys);
    return load_text(&directory, text, &findings);
}

static struct policy *with_keys(const char *keys)
{
    return of_organisation("o", keys);
}

static void expect_refused(const char *keys, const char *words)
{
    struct policy *policy = with_keys(keys);
    cr_expect_null(policy, "%s", keys);
    cr_expect_not_null(strstr(findings.text, words), "%s\n%s", keys, findings.text);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:2: keys: "), "%s", findings.text);
    policy_free(policy);
}

Test(keys, pins_in_their_four_forms)
{
    struct policy *policy =
        with_keys("[ \"sha256//" BASE64 "\", \" sha256/" BASE64 " \", \"" HEX
                  "\", \"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\" ]");
    cr_assert_not_null(policy, "%s", findings.text);
    const struct pin_rule *rule = policy->pin_rules[0];
    cr_assert_eq(rule->key_count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(rule->keys[i].kind, KEY_PIN);
        cr_expect(pin_equal(&rule->keys[i].pin, &rule->keys[0].pin));
    }
    policy_free(policy);
    policy = with_keys("\"sha256//" BASE64 " ,\\n" HEX "\"");
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(policy->pin_rules[0]->key_count, 2);
    policy_free(policy);
}

Test(keys, base64_that_begins_with_a_slash)
{
    static const char *const forms[] = {"\"sha256//7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"",
                                        "\"sha256///7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\""};
    char text[PIN_TEXT_SIZE];
    for (size_t i = 0; i < 2; i++) {
        struct policy *policy = with_keys(forms[i]);
        cr_assert_not_null(policy, "%s", findings.text);
        pin_format(&policy->pin_rules[0]->keys[0].pin, text);
        cr_expect_str_eq(text, "sha256///7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        policy_free(policy);
    }
}

Test(keys, what_is_no_key_is_refused)
{
    expect_refused("\"sha256//" HEX "\"", "write sha256//" BASE64);
    expect_refused("\"sha256//" HEX "0\"", "no SHA-256 in base64");
    expect_refused("\"sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==\"", "no SHA-256 in base64");
    expect_refused("\"sha256/\"", "no SHA-256 in base64");
    expect_refused(
        "\"E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55\"",
        "fingerprint with colons; write its hex digits alone, "
        "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
    expect_refused("\"sha256 "
                   "Fingerprint=E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:"
                   "95:99:1B:78:52:B8:55\"",
                   "fingerprint with colons");
}

Test(keys, a_file_that_is_missing_is_unresolved)
{
    struct policy *policy = with_keys("[ \"missing.pem\", \"sub/key\" ]");
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(findings.unresolved, 2);
    cr_expect_eq(findings.errors, 0);
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(policy->pin_rules[0]->keys[i].kind, KEY_UNRESOLVED);
    char path[128];
    snprintf(path, sizeof path, "%s/missing.pem", directory.path);
    cr_expect_str_eq(policy->pin_rules[0]->keys[0].name, path);
    policy_free(policy);
}

Test(keys, of_many_that_are_missing_the_first_are_told_and_the_rest_counted)
{
    char keys[4096] = "\"none.pem";
    for (size_t i = 1; i < 30; i++)
        strcat(keys, ",none.pem");
    struct policy *policy = with_keys(strcat(keys, "\""));
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(findings.unresolved, 21, "%u", findings.unresolved);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg: 10 more that cannot be read; mend these first"),
                       "%s", findings.text);
    policy_free(policy);
}

Test(keys, what_is_wrong_is_never_nothing_for_want_of_memory)
{
    static const char text[] = "-----BEGIN PRIVATE KEY-----";
    struct arena arena;
    arena_init(&arena, 0);
    cr_expect_not_null(pem_fault(&arena, text, sizeof text - 1, "/x.pem"));
    cr_expect_not_null(pem_fault(&arena, text, sizeof text - 1, NULL));
    arena_free(&arena);
}

Test(keys, paths_that_only_look_like_pins)
{
    static const char *const paths[] = {"SHA256/a.pem", "sha256-keys/a.pem", "pin-sha256.pem"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char keys[64];
        snprintf(keys, sizeof keys, "\"%s\"", paths[i]);
        struct policy *policy = with_keys(keys);
        cr_expect_eq(findings.unresolved, 1, "%s", findings.text);
        policy_free(policy);
    }
}

Test(keys, files_that_hold_something_else)
{
    char fifo[128];
    static const unsigned char public_key_der[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a};
    static const unsigned char certificate_der[] = {0x30, 0x82, 0x01, 0x00, 0x30, 0x81, 0xf0, 0xa0, 0x03};
    static char large[(1 << 20) + 2];
    directory_write(&directory, "p.pem", public_key_der, sizeof public_key_der);
    expect_refused("\"p.pem\"", "openssl pkey -pubin -inform DER -in ");
    directory_write(&directory, "c.pem", certificate_der, sizeof certificate_der);
    expect_refused("\"c.pem\"", "openssl x509 -inform DER -in ");
    directory_text(&directory, "k.pem", "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n");
    expect_refused("\"k.pem\"", "holds a private key");
    directory_text(&directory, "e.pem",
                   "-----BEGIN EC PRIVATE KEY-----\nMC4=\n-----END EC PRIVATE KEY-----\n");
    expect_refused("\"e.pem\"", "holds a private key");
    directory_text(&directory, "r.pem",
                   "-----BEGIN RSA PUBLIC KEY-----\nMC4=\n-----END RSA PUBLIC KEY-----\n");
    expect_refused("\"r.pem\"", "RSAPublicKey_in");
    static const unsigned char private_key_der[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05};
    directory_write(&directory, "s.pem", private_key_der, sizeof private_key_der);
    expect_refused("\"s.pem\"", "is a private key in DER");
    static const unsigned char pkcs12[] = {0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30, 0x05};
    directory_write(&directory, "p12.pem", pkcs12, sizeof pkcs12);
    expect_refused("\"p12.pem\"", "openssl pkcs12 -nokeys -in ");
    directory_text(&directory, "q.pem",
                   "-----BEGIN CERTIFICATE REQUEST-----\nMC4=\n-----END CERTIFICATE REQUEST-----\n");
    expect_refused("\"q.pem\"", "openssl req -noout -pubkey -in ");
    directory_text(&directory, "digit.pem", "0123");
    expect_refused("\"digit.pem\"", "no PEM block");
    directory_text(&directory, "t.pem", "hello");
    expect_refused("\"t.pem\"", "no PEM block");
    directory_text(&directory, "empty.pem", "");
    expect_refused("\"empty.pem\"", "no PEM block");
    directory_write(&directory, "nul.pem", "a\0-----BEGIN ", 13);
    expect_refused("\"nul.pem\"", "NUL");
    memset(large, 'a', sizeof large - 1);
    directory_text(&directory, "large.pem", large);
    expect_refused("\"large.pem\"", "larger than 1048576 bytes");
    snprintf(fifo, sizeof fifo, "%s/f.pem", directory.path);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    expect_refused("\"f.pem\"", "not a regular file");
    expect_refused("\"./\"", "not a regular file");
    chmod(directory_text(&directory, "w.pem", "-----BEGIN PUBLIC KEY-----\n"), 0666);
    expect_refused("\"w.pem\"", "writable by others");
    expect_refused("\"-----BEGIN PRIVATE KEY-----\\nMC4=\\n-----END PRIVATE KEY-----\\n\"",
                   "holds a private key");
}

/* How many findings there were of either kind that matters. */
static unsigned complaints(void)
{
    return findings.errors + findings.unresolved + findings.warnings;
}

Test(keys, anything_else_is_an_id)
{
    struct policy *policy = with_keys("[ \" o" HEX " \", \"" HEX "0,other\" ]");
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(complaints(), 0, "%s", findings.text);
    const struct pin_rule *rule = policy->pin_rules[0];
    static const char *const ids[] = {"o" HEX, HEX "0", "other"};
    cr_assert_eq(rule->key_count, 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(rule->keys[i].kind, KEY_ID);
        cr_expect_not(rule->keys[i].pin_if_absent);
        cr_expect_str_eq(rule->keys[i].name, ids[i]);
        cr_expect_null(policy_key_pin(policy, &rule->keys[i]), "the store has not been asked");
    }
    policy_free(policy);
}

Test(keys, what_can_be_no_id_has_a_word_for_who_looks_it_up_in_vain)
{
    static const char *const odd[] = {"pub.key", "server.crt", "47DEQpj8HBSa", "sha1:00"};
    struct policy *policy = with_keys("\"pub.key,server.crt,47DEQpj8HBSa,sha1:00,o" HEX "\"");
    cr_assert_not_null(policy, "%s", findings.text);
    const struct key *keys = policy->pin_rules[0]->keys;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        cr_expect_str_eq(keys[i].name, odd[i]);
        cr_expect_str_eq(keys[i].why, "it is taken for a certificate id; a path has a / in it or ends in "
                                      ".pem, and a pin begins with sha256//");
    }
    cr_expect_null(keys[4].why);
    policy_free(policy);
}

Test(keys, digits_alone_are_a_pin_only_where_the_store_has_no_such_record)
{
    struct pin pin;
    struct policy *policy =
        of_organisation("", "[ \"" HEX "\", \"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934"
                            "CA495991B7852B855\" ]");
    cr_assert_not_null(policy, "%s", findings.text);
    cr_assert(pin_from_hex(HEX, 64, &pin));
    for (size_t i = 0; i < 2; i++) {
        const struct key *key = &policy->pin_rules[0]->keys[i];
        cr_expect_eq(key->kind, KEY_ID);
        cr_expect(key->pin_if_absent);
        cr_expect(pin_equal(&key->pin, &pin));
        cr_expect_str_eq(key->name, HEX, "ids are in lower case");
        cr_expect_null(key->why);
    }
    policy_free(policy);
}

Test(keys, what_no_store_may_be_asked_for)
{
    char longest[10003] = "\"";
    expect_refused("\"a..b\"", "\"a..b\" is taken for a certificate id, and it has '..' in it; write the id");
    expect_refused("\".id\"", "it begins with a dot");
    expect_refused("\"a\\x07b\"", "a control character");
    memset(longest + 1, 'a', 10000);
    strcpy(longest + 10001, "\"");
    expect_refused(longest, "more than 250 characters");
}
