/* `upstream_certificates`: its rules, and the items of `certificate`. What stands in PEM is not parsed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/candidate_pem.h"
#include "tests/unit/support.h"

#define HEX       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UPPER_HEX "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
#define COLONS                                                                                               \
    "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55"
#define BLOCK(label, headers) "-----BEGIN " label "-----\n" headers "AAAA\n-----END " label "-----\n"
#define CERTIFICATE           BLOCK("CERTIFICATE", "")
#define KEY                   BLOCK("PRIVATE KEY", "")
#define DEK                   "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899aabbccddeeff\n\n"

TestSuite(upstream, .init = fixture_make, .fini = fixture_clean);

static struct policy *loads(const char *text)
{
    return load_text(&directory, text, &findings);
}

static struct policy *loaded(const char *text)
{
    struct policy *policy = loads(text);
    cr_assert_not_null(policy, "%s\n%s", text, findings.text);
    return policy;
}

/* A policy of an organisation with one rule of these settings; NULL: refused. */
static struct policy *of_organisation(const char *organisation, const char *settings)
{
    char text[8192];
    snprintf(
        text, sizeof text,
        "version = 1; organisation = \"%s\";\nsecurity: { upstream_certificates = ( { domain = \"a\"; %s } "
        "); };",
        organisation, settings);
    return loads(text);
}

static struct policy *with(const char *settings)
{
    return of_organisation("o", settings);
}

static const struct upstream_rule *rule_of(const struct policy *policy)
{
    cr_assert_not_null(policy, "%s", findings.text);
    cr_assert_eq(policy->upstream_rule_count, 1);
    return policy->upstream_rules[0];
}

/* The candidates that `certificate` makes, in a policy of their own. */
static const struct candidate *candidates(const char *certificate, size_t count)
{
    char settings[4096];
    snprintf(settings, sizeof settings, "certificate = %s;", certificate);
    const struct upstream_rule *rule = rule_of(with(settings));
    cr_assert_eq(rule->candidate_count, count, "%s: %zu", certificate, rule->candidate_count);
    return rule->candidates;
}

static void expect_refused(const char *certificate, const char *words)
{
    char settings[4096];
    snprintf(settings, sizeof settings, "certificate = %s;", certificate);
    struct policy *policy = with(settings);
    cr_expect_null(policy, "%s", certificate);
    cr_expect_eq(findings.errors, 1, "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:2: certificate: "), "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, words), "%s\n%s", certificate, findings.text);
    policy_free(policy);
}

static void expect_file_refused(const char *content, const char *words)
{
    directory_text(&directory, "x.pem", content);
    expect_refused("\"x.pem\"", words);
}

/* The rule that an index has for a name; NULL: none. */
static const struct upstream_rule *found(const struct rule_index *index, const char *name, uint16_t port)
{
    struct domain domain;
    struct rule_match match;
    cr_assert(domain_from_peer(name, &domain));
    rule_index_find(index, &domain, port, true, &match);
    return match.rule;
}

Test(upstream, every_setting_and_its_default)
{
    const struct upstream_rule *rule = rule_of(with("certificate = \"an-id\";"));
    cr_expect_eq(rule->mode, MODE_UNSET);
    cr_expect(rule->required);
    cr_expect_not(rule->keep_program_certificate);
    cr_expect_not(rule->disabled);
    cr_expect_eq(rule->source.line, 2);
    cr_expect_eq(rule->candidate_count, 1);
    rule = rule_of(with("certificate = \"an-id\"; required = false; keep_program_certificate = true; mode = "
                        "\"report\";"));
    cr_expect_eq(rule->mode, MODE_REPORT);
    cr_expect_not(rule->required);
    cr_expect(rule->keep_program_certificate);
}

Test(upstream, what_is_wrong_with_a_setting)
{
    static const struct {
        const char *settings, *name, *words;
    } bad[] = {
        {"", "certificate", "missing; write a certificate id or the path of a PEM file"},
        {"certificate = 7;", "certificate", "found a whole number; allowed is a text"},
        {"certificate = [ ];", "certificate", "none; allowed are certificate ids"},
        {"certificate = \"\";", "certificate", "an empty item; allowed are certificate ids"},
        {"certificate = \"id,,id\";", "certificate", "an empty item"},
        {"certificate = \"id\"; mode = \"learn\";", "mode",
         "allowed are \"enforce\", \"report\" and \"off\""},
        {"certificate = \"id\"; required = \"no\";", "required", "allowed is true or false"},
        {"certificate = \"id\"; keep_program_certificate = 1;", "keep_program_certificate", "true or false"},
        {"certificates = \"id\"; certificate = \"id\";", "certificates", "did you mean \"certificate\"?"},
        {"certificate = \"id\"; keys = \"id\";", "keys",
         "unknown setting; allowed here are domain, certificate"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char where[128];
        cr_expect_null(with(bad[i].settings), "%s", bad[i].settings);
        cr_expect_eq(findings.errors, 1, "%s\n%s", bad[i].settings, findings.text);
        snprintf(where, sizeof where, "/policy.cfg:2: %s: ", bad[i].name);
        cr_expect_not_null(strstr(findings.text, where), "%s", findings.text);
        cr_expect_not_null(strstr(findings.text, bad[i].words), "%s\n%s", bad[i].settings, findings.text);
    }
}

Test(upstream, an_exception_needs_no_certificate)
{
    const struct upstream_rule *rule = rule_of(with("mode = \"off\";"));
    cr_expect_eq(rule->mode, MODE_OFF);
    cr_expect_eq(rule->candidate_count, 0);
    cr_expect_null(with("mode = \"report\";"));
    cr_expect_not_null(strstr(findings.text, "certificate: missing"), "%s", findings.text);
}

Test(upstream, the_domains_lead_to_their_rule)
{
    struct policy *policy =
        loaded("version = 1; security: { upstream_certificates = (\n"
               "{ domain = \"*.partner.com\"; certificate = \"one\"; },\n"
               "{ domain = [ \"bank.example:8443\", \"10.0.0.5\" ]; certificate = \"two\"; },\n"
               "{ domain = \"*\"; certificate = \"three\"; } ); };");
    cr_assert_eq(policy->upstream_rule_count, 3);
    struct upstream_rule *const *rules = policy->upstream_rules;
    cr_expect_eq(found(&policy->upstream, "api.partner.com", 443), rules[0]);
    cr_expect_eq(found(&policy->upstream, "bank.example", 8443), rules[1]);
    cr_expect_eq(found(&policy->upstream, "bank.example", 443), rules[2]);
    cr_expect_eq(found(&policy->upstream, "10.0.0.5", 443), rules[1]);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect_eq(rules[i]->source.line, i + 2);
        cr_expect_eq(rules[i]->candidates[0].number, i);
    }
    cr_expect_eq(policy->candidate_count, 3);
    cr_expect_eq(policy->pin_rule_count, 0);
    cr_expect_str_eq(rules[0]->source.file, policy->path);
    policy_free(policy);
}

Test(upstream, wrong_and_double_domains)
{
    static const char double_domain[] = "version = 1; security: { upstream_certificates = (\n"
                                        "{ domain = \"a.b:1\"; certificate = \"x\"; },\n"
                                        "{ domain = [ \"A.b.:1\", \"a.b\" ]; certificate = \"y\"; } ); };";
    cr_expect_null(loads(double_domain));
    cr_expect_eq(findings.errors, 1, "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:3: domain: \"A.b.:1\" has a rule at "), "%s",
                       findings.text);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:2 already"), "%s", findings.text);
    cr_expect_null(loads(
        "version = 1;\nsecurity: { upstream_certificates = ( { domain = \"a.*.b\"; certificate = \"x\"; } "
        "); };"));
    cr_expect_not_null(strstr(findings.text, ":2: domain: "), "%s", findings.text);
    /* One list does not know of the other. */
    policy_free(
        loaded("version = 1; security: { upstream_certificates = ( { domain = \"a\"; certificate = \"x\"; "
               "} ); pinned_public_keys = ( { domain = \"a\"; keys = \"x\"; } ); };"));
}

Test(upstream, of_sections)
{
    struct policy *policy = loaded(
        "version = 1; security: { upstream_certificates = ( { domain = \"a\"; certificate = \"one\"; } "
        "); };\nprograms = (\n"
        "{ name = \"x\"; match = \"x\"; certificate_pinning_disabled = true; upstream_certificates = ( { "
        "domain = \"a\"; certificate = \"two\"; } ); },\n"
        "{ name = \"y\"; match = \"y\"; upstream_certificates_disabled = true; upstream_certificates = ( "
        "{ domain = \"a\"; certificate = \"three\"; } ); pinned_public_keys = ( { domain = \"a\"; keys = "
        "\"four\"; } ); },\n"
        "{ name = \"z\"; match = \"z\"; upstream_certificates_disabled = false; } );");
    cr_assert_eq(policy->upstream_rule_count, 3);
    struct upstream_rule *const *rules = policy->upstream_rules;
    const struct section *sections = policy->sections;
    cr_expect_eq(found(&policy->upstream, "a", 1), rules[0]);
    cr_expect_eq(found(&sections[0].upstream, "a", 1), rules[1]);
    cr_expect_null(found(&sections[1].upstream, "a", 1));
    cr_expect_eq(found(&sections[1].disabled_upstream, "a", 1), rules[2]);
    cr_expect_null(found(&sections[0].disabled_upstream, "a", 1));
    cr_expect_not(sections[0].upstream_disabled);
    cr_expect(sections[1].upstream_disabled);
    cr_expect_not(sections[2].upstream_disabled);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(rules[i]->disabled, i == 2);
    cr_expect_not(policy->pin_rules[0]->disabled);
    cr_expect_eq(rules[2]->source.line, 4);
    cr_expect_str_eq(rules[2]->source.file, policy->path);
    policy_free(policy);
}

Test(upstream, their_ids_are_read_with_those_of_pins)
{
    struct policy *policy = loaded(
        "version = 1; security: { upstream_certificates = ( { domain = \"a\"; certificate = [ \"c, b\", "
        "\"a\" ]; }, { domain = \"b\"; mode = \"off\"; certificate = \"not\"; } ); pinned_public_keys = ( "
        "{ domain = \"a\"; keys = \"b\"; } ); }; programs = ( "
        "{ name = \"x\"; match = \"x\"; upstream_certificates = ( { domain = \"a\"; certificate = \"b,d\"; "
        "} ); }, "
        "{ name = \"y\"; match = \"y\"; upstream_certificates_disabled = true; upstream_certificates = ( "
        "{ domain = \"a\"; certificate = \"nor\"; } ); } );");
    const char *ids[4];
    cr_assert_eq(policy_ids(policy, NULL, NULL), 3);
    cr_assert_eq(policy_ids(policy, &policy->sections[0], ids), 4);
    cr_expect_str_eq(ids[0], "a");
    cr_expect_str_eq(ids[1], "b");
    cr_expect_str_eq(ids[2], "c");
    cr_expect_str_eq(ids[3], "d");
    cr_expect_eq(policy_ids(policy, &policy->sections[1], NULL), 3);
    cr_expect_not_null(policy->records);
    policy_free(policy);
    policy = with("certificate = \"id\"; mode = \"off\";");
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_null(policy->records);
    policy_free(policy);
}

Test(upstream, ids)
{
    const struct candidate *items = candidates("[ \" o" HEX " , other\", \"" UPPER_HEX "\" ]", 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(items[i].kind, CANDIDATE_ID);
        cr_expect_eq(items[i].number, i);
        cr_expect_null(items[i].pem);
    }
    cr_expect_str_eq(items[0].name, "o" HEX);
    cr_expect_null(items[0].why);
    cr_expect_str_eq(items[1].name, "other");
    cr_expect_not_null(strstr(items[1].why, "a path has a / in it or ends in .pem"));
    cr_expect_str_eq(items[2].name, HEX);
    cr_expect_not_null(strstr(items[2].why, "begins with the organisation where there is one: o" HEX));
    struct policy *policy = of_organisation("", "certificate = \"" UPPER_HEX "\";");
    cr_expect_str_eq(rule_of(policy)->candidates[0].name, HEX);
    cr_expect_null(rule_of(policy)->candidates[0].why);
    policy_free(policy);
}

Test(upstream, what_is_no_reference)
{
    expect_refused("\"sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"",
                   "is a pin, which has no private key");
    expect_refused("\"sha256/x\"", "is a pin, which has no private key");
    expect_refused("\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"", "is a pin, which has no private key");
    expect_refused("\"" COLONS "\"", "write its id, o" HEX);
    expect_refused("\"sha256 Fingerprint=" COLONS "\"", "write its id, o" HEX);
    expect_refused("\"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\"", "no SHA-256");
    expect_refused("\"client.p12\"",
                   "\"client.p12\" is PKCS #12; allowed is PEM, made by: openssl pkcs12 -nodes -in ");
    expect_refused("\"client.PFX\"", "/client.PFX.pem");
    expect_refused("\".hidden\"", "is taken for a certificate id");
}

Test(upstream, pem_of_files_and_in_place)
{
    directory_text(&directory, "x.pem", CERTIFICATE KEY);
    const struct candidate *item = candidates("\"x.pem\"", 1);
    char path[128];
    snprintf(path, sizeof path, "%s/x.pem", directory.path);
    cr_expect_eq(item->kind, CANDIDATE_PEM);
    cr_expect_str_eq(item->name, path);
    cr_expect_str_eq(item->pem, CERTIFICATE KEY);
    cr_expect_eq(item->pem_length, strlen(CERTIFICATE KEY));
    /* Its comma does not split it. */
    item = candidates("\" -----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" DEK
                      "AAAA\n-----END ENCRYPTED PRIVATE KEY-----\n \"",
                      1);
    cr_expect_eq(item->kind, CANDIDATE_PEM);
    cr_expect_str_eq(item->name, "PEM in place");
    cr_expect_eq(item->pem_length, strlen(item->pem));
    cr_expect_not_null(strstr(item->pem, "DEK-Info: AES-256-CBC,0011"));
    cr_expect_eq(findings.warnings, 0, "%s", findings.text);
}

Test(upstream, pem_of_every_order_and_kind)
{
    static const char *const good[] = {
        KEY CERTIFICATE,
        CERTIFICATE CERTIFICATE BLOCK("RSA PRIVATE KEY", ""),
        CERTIFICATE "text\n" BLOCK("EC PARAMETERS", "") BLOCK("EC PRIVATE KEY", ""),
        CERTIFICATE BLOCK("RSA PRIVATE KEY", DEK),
        CERTIFICATE BLOCK("ENCRYPTED PRIVATE KEY", DEK),
        BLOCK("X509 CERTIFICATE", "") KEY,
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        directory_text(&directory, "x.pem", good[i]);
        cr_expect_eq(candidates("\"x.pem\"", 1)->kind, CANDIDATE_PEM, "%s\n%s", good[i], findings.text);
    }
}

Test(upstream, files_that_hold_something_else)
{
    static const unsigned char pkcs12[] = {0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30, 0x80};
    static const unsigned char certificate[] = {0x30, 0x82, 0x01, 0x00, 0x30, 0x81, 0xf0, 0xa0, 0x03};
    static const unsigned char key[] = {0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x80};
    directory_write(&directory, "x.p12", pkcs12, sizeof pkcs12);
    expect_refused("\"./x.p12\"", "/x.p12 is PKCS #12; allowed is PEM, made by: openssl pkcs12 -nodes -in ");
    directory_write(&directory, "x.pem", certificate, sizeof certificate);
    expect_refused("\"x.pem\"",
                   "is a certificate in DER; allowed is PEM, with the private key behind, made by: "
                   "openssl x509 -inform DER -in ");
    directory_write(&directory, "x.pem", key, sizeof key);
    expect_refused("\"x.pem\"", "is a private key in DER");
    expect_file_refused("", "is empty");
    expect_file_refused("hello", "holds no PEM block");
    directory_write(&directory, "x.pem", CERTIFICATE KEY, sizeof(CERTIFICATE KEY));
    expect_refused("\"x.pem\"", "has a NUL byte");
    expect_file_refused(CERTIFICATE,
                        "holds a certificate and no private key; put the key behind it, in the same");
    expect_file_refused(KEY, "holds a private key and no certificate; put its certificate in front of it");
    expect_file_refused(BLOCK("PUBLIC KEY", ""), "holds a public key alone");
    expect_file_refused(BLOCK("PUBLIC KEY", "") CERTIFICATE KEY, "take the public key out");
    expect_file_refused(CERTIFICATE KEY KEY, "more than one private key");
    expect_file_refused(
        CERTIFICATE BLOCK("ENCRYPTED PRIVATE KEY", ""),
        "encrypted with a passphrase (PKCS #8), for which nobody is asked; allowed is the same without one, "
        "made by: (umask 077; { openssl crl2pkcs7 -nocrl -certfile ");
    expect_file_refused(CERTIFICATE BLOCK("OPENSSH PRIVATE KEY", ""), "ssh-keygen -p -m PKCS8 -f COPY");
    expect_file_refused(BLOCK("TRUSTED CERTIFICATE", "") KEY,
                        "TRUSTED CERTIFICATE block; allowed is CERTIFICATE");
    expect_file_refused(BLOCK("PKCS7", "") KEY, "openssl pkcs7 -print_certs -in ");
    expect_file_refused(BLOCK("CERTIFICATE REQUEST", "") KEY, "certificate request; have it signed");
    expect_file_refused(BLOCK("DH PARAMETERS", ""), "holds no certificate and no private key");
    expect_file_refused(CERTIFICATE "-----BEGIN PRIVATE KEY-----\nAAAA\n",
                        "is cut off: its PRIVATE KEY block at line 4");
    expect_file_refused("  -----BEGIN CERTIFICATE-----\n", "a BEGIN line that is indented");
    expect_refused("\"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\"",
                   "certificate: PEM in place holds a certificate and no private key");
}

Test(upstream, what_is_wrong_is_never_nothing_for_want_of_memory)
{
    static const char *const bad[] = {"", "\x30\x82\x02\x03", BLOCK("PKCS7", ""), CERTIFICATE,
                                      "-----BEGIN X-----\n"};
    bool has_key;
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not_null(candidate_pem_fault(&arena, bad[i], strlen(bad[i]), "/x.pem", &has_key), "%zu", i);
    arena_free(&arena);
}

Test(upstream, a_file_that_cannot_be_read_is_unresolved)
{
    char path[128];
    const struct candidate *items = candidates("[ \"gone.pem\", \"sub/gone\" ]", 2);
    cr_expect_eq(findings.unresolved, 2, "%s", findings.text);
    cr_expect_eq(findings.errors, 0, "%s", findings.text);
    cr_expect_eq(items[0].kind, CANDIDATE_UNRESOLVED);
    cr_expect_str_eq(items[0].why, "cannot be read: No such file or directory");
    snprintf(path, sizeof path, "%s/gone.pem", directory.path);
    cr_expect_str_eq(items[0].name, path);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:2: certificate: "), "%s", findings.text);
    cr_expect_not_null(
        strstr(findings.text, "mend the path or its permissions: until then it cannot be presented"), "%s",
        findings.text);
    directory_text(&directory, "x.pem", CERTIFICATE KEY);
    snprintf(path, sizeof path, "%s/x.pem", directory.path);
    chmod(path, 0622);
    expect_refused("\"x.pem\"", "writable by others than its owner");
}

Test(upstream, a_change_of_a_file_is_noticed)
{
    struct watch watch = {0};
    directory_text(&directory, "x.pem", CERTIFICATE KEY);
    const char *path = directory_text(
        &directory, "policy.cfg",
        "version = 1; security: { upstream_certificates = ( { domain = \"a\"; certificate = [ \"x.pem\", "
        "\"gone.pem\" ]; } ); };");
    policy_free(load_watched(path, &findings, &watch));
    cr_expect_not(watch_has_changed(&watch));
    directory_text(&directory, "x.pem", CERTIFICATE "\n" KEY);
    cr_expect(watch_has_changed(&watch));
    watch_free(&watch);
    policy_free(load_watched(path, &findings, &watch));
    directory_text(&directory, "gone.pem", CERTIFICATE KEY);
    cr_expect(watch_has_changed(&watch));
    watch_free(&watch);
}

Test(upstream, others_must_not_read_private_keys)
{
    static const struct {
        mode_t mode;
        unsigned warnings;
    } cases[] = {{0600, 0}, {0640, 0}, {0604, 1}, {0644, 1}};
    char words[256];
    const char *path = directory_text(&directory, "x.pem", CERTIFICATE KEY);
    snprintf(
        words, sizeof words,
        "/policy.cfg:2: certificate: %s holds a private key, and is readable by others than its owner and "
        "group (mode 0604); run: chmod o-rwx '%s'",
        path, path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        chmod(path, cases[i].mode);
        candidates("\"x.pem\"", 1);
        cr_expect_eq(findings.warnings, cases[i].warnings, "%o %s", cases[i].mode, findings.text);
        if (cases[i].mode == 0604)
            cr_expect_not_null(strstr(findings.text, words), "%s\n%s", words, findings.text);
    }
    /* Also where there is more to mend; not where there is no private key. */
    directory_text(&directory, "x.pem", KEY);
    cr_expect_null(with("certificate = \"x.pem\";"));
    cr_expect_eq(findings.warnings, 1, "%s", findings.text);
    directory_text(&directory, "x.pem", CERTIFICATE);
    cr_expect_null(with("certificate = \"x.pem\";"));
    cr_expect_eq(findings.warnings, 0, "%s", findings.text);
}

Test(upstream, a_private_key_in_a_policy_that_others_can_read)
{
    const char *path =
        directory_text(&directory, "policy.cfg",
                       "version = 1;\nsecurity: { upstream_certificates = ( { domain = \"a\";\n"
                       "certificate = \"" CERTIFICATE KEY "\"; } ); };");
    policy_free(load_file(path, &findings));
    cr_expect_eq(findings.warnings, 0, "%s", findings.text);
    chmod(path, 0640);
    policy_free(load_file(path, &findings));
    cr_expect_eq(findings.warnings, 1, "%s", findings.text);
    cr_expect_not_null(
        strstr(findings.text,
               "/policy.cfg:3: certificate: the private key stands in a file that others can read "
               "(mode 0640); put it with its certificate into a file of its own and name that "
               "here, or run: chmod go-r "),
        "%s", findings.text);
}
