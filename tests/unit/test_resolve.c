/* From PEM to pins, with a real libcrypto. The hex is what `openssl pkey -pubin -outform DER | openssl dgst
 * -sha256` gives. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/judge.h"
#include "policy/resolve.h"
#include "tests/unit/support.h"

TestSuite(resolve, .init = fixture_make, .fini = fixture_clean);

static const char public_key[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                 "-----END PUBLIC KEY-----\n";
static const char public_key_hex[] = "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f";
static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                  "MIIBLjCB4aADAgECAhRRpwBbO9R4nsZwb3A3PtBcbk/gIzAFBgMrZXAwDDEKMAgG\n"
                                  "A1UEAwwBdDAgFw0yNjExMjIwMTE5NTBaGA8yMTI2MTAyOTAxMTk1MFowDDEKMAgG\n"
                                  "A1UEAwwBdDAqMAUGAytlcAMhAEBzK0DPNk2psJlqYi079jPsETV31b9z3dXN4uGC\n"
                                  "B0Afo1MwUTAdBgNVHQ4EFgQUbopofXry+39uErHCbGJL0f0fs0YwHwYDVR0jBBgw\n"
                                  "FoAUbopofXry+39uErHCbGJL0f0fs0YwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD\n"
                                  "QQCzfQVtdSiumBW7f9eAIeiZRc9RVKBB+etpfHrRrMTE2l3aQuPkBA2Ifum04drJ\n"
                                  "XcwQV9WsRTfhyXzE4ERAsIMG\n"
                                  "-----END CERTIFICATE-----\n";
static const char certificate_hex[] = "53fda19b0ac078f8a1b671bc2a1f3ef747a2ecc244e1d2a2cea888c8029bd1ba";

/* Resolves a policy whose one rule names key.pem, with this content. `hex` NULL: refused with `words`. */
static void expect(const char *pem, const char *hex, const char *words)
{
    char why[512] = "";
    directory_text(&directory, "key.pem", pem);
    struct policy *policy = load_text(
        &directory,
        "version = 1;\nsecurity: { pinned_public_keys = ( { domain = \"a\"; keys = \"key.pem\"; } ); };",
        &findings);
    cr_assert_not_null(policy, "%s", findings.text);
    cr_expect_eq(policy_resolve(policy, crypto_table(), why, sizeof why), hex != NULL, "%s", why);
    cr_expect_eq(policy_is_resolved(policy), hex != NULL);
    if (hex != NULL) {
        struct pin pin;
        cr_assert(pin_from_hex(hex, 64, &pin));
        cr_expect(pin_equal(policy_key_pin(policy, &policy->pin_rules[0]->keys[0]), &pin));
        cr_expect(policy_resolve(policy, crypto_table(), why, sizeof why), "again");
    } else {
        cr_expect_not_null(strstr(why, "/policy.cfg:2: keys: "), "%s", why);
        cr_expect_not_null(strstr(why, words), "%s", why);
    }
    policy_free(policy);
}

Test(resolve, keys_and_certificates)
{
    char text[4096];
    cr_assert_not_null(crypto_table());
    expect(public_key, public_key_hex, NULL);
    expect(certificate, certificate_hex, NULL);
    snprintf(text, sizeof text, "subject=CN = t\r\n%s\nand more text", certificate);
    expect(text, certificate_hex, NULL);
    snprintf(text, sizeof text, "%s%s", certificate, certificate);
    expect(text, certificate_hex, NULL);
}

Test(resolve, what_holds_no_usable_key)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s", public_key, certificate);
    expect(text, NULL, "several blocks");
    snprintf(text, sizeof text, "%s%s", public_key, public_key);
    expect(text, NULL, "several blocks");
    snprintf(text, sizeof text, "%s%s", certificate, public_key);
    expect(text, NULL, "several blocks");
    expect("-----BEGIN PUBLIC KEY-----\nMCowBQYD\n-----END PUBLIC KEY-----\n", NULL, "does not parse");
    expect("-----BEGIN CERTIFICATE-----\nMCowBQYD\n-----END CERTIFICATE-----\n", NULL, "does not parse");
    snprintf(text, sizeof text, "%s-----BEGIN PUBLIC KEY-----\nMCow", public_key);
    expect(text, NULL, "damaged");
    expect("-----BEGIN PUBLIC KEY-----\nMCow", NULL, "no PEM block that can be read");
    expect("-----BEGIN X509 CRL-----\nMCow\n-----END X509 CRL-----\n", NULL, "another kind");
}

Test(resolve, a_rule_of_which_no_key_can_be_read_refuses)
{
    char why[512];
    struct policy *policy = load_text(
        &directory,
        "version = 1; security: { pinned_public_keys = ( { domain = \"a\"; keys = \"gone.pem\"; } ); };",
        &findings);
    cr_assert_not_null(policy);
    cr_assert(policy_resolve(policy, crypto_table(), why, sizeof why));
    struct peer peer = {.name_count = 1};
    struct requirement requirements[PEER_NAMES_MAX];
    struct pin pin = {{0}};
    const struct evidence evidence = {.has_key = true, .pin = &pin};
    struct judgement judgement;
    cr_assert(domain_from_peer("a", &peer.names[0].domain));
    cr_assert_eq(judge_requirements(policy, NULL, &peer, requirements, NULL), 1);
    judge(&requirements[0], &evidence, &judgement);
    cr_expect_eq(judgement.reason, REASON_UNRESOLVED, "also for a pin of zeros");
    policy_free(policy);
}
