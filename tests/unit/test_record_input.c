/* What an upload takes, and what the record is then. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/record_support.h"
#include "tests/unit/support.h"

TestSuite(record_input, .init = record_fixture_make, .fini = fixture_clean);

static const unsigned char iv[16] = {0xab, 1};

static struct record_made made_from(struct content content)
{
    struct record_input input = upload_of(content);
    input.iv = iv;
    return made_of(&input);
}

/* Is the same made of both? */
static void expect_same(struct content one, struct content other)
{
    struct record_made first = made_from(one);
    struct record_made second = made_from(other);
    cr_expect_str_eq(first.text, second.text);
    cr_expect_str_eq(first.id, second.id);
}

Test(record_input, text_around_blocks_is_dropped)
{
    struct content plain = shell("cat cert.pem other.pem key.pem");
    expect_same(plain, shell("sed 's/$/\\r/' cert.pem other.pem key.pem"));
    expect_same(plain, shell("printf '\\357\\273\\277'; cat cert.pem other.pem key.pem"));
    expect_same(plain,
                shell("openssl x509 -in cert.pem -text; echo; cat other.pem; echo Bag: x; cat key.pem"));
    expect_same(plain, shell("cat cert.pem other.pem; openssl ecparam -name prime256v1; cat key.pem"));
    expect_same(plain, shell("sed 's/ CERT/ X509 CERT/' cert.pem; cat other.pem key.pem"));
    expect_same(plain, shell("cat key.pem cert.pem other.pem"));
    expect_same(plain, shell("cat cert.pem key.pem other.pem; openssl req -new -key key.pem -subj /CN=r"));
    expect_same(plain, shell("sed 's/[A-Za-z0-9+=]$/&  /' cert.pem; cat other.pem key.pem"));
    /* Other widths, and no end of the last line. */
    expect_same(plain, shell("printf '%%s\\n' -----BEGIN\\ CERTIFICATE-----;"
                             "openssl x509 -in cert.pem -outform DER | openssl base64 -A; echo;"
                             "echo -----END CERTIFICATE-----; cat other.pem; printf %%s \"$(cat key.pem)\""));
}

Test(record_input, layout)
{
    struct record_made made = made_from(shell("cat key.pem cert.pem other.pem"));
    char *chain = shell("cat cert.pem; echo; cat other.pem; echo").text;
    static const char key[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                              "DEK-Info: AES-256-CBC,ab010000000000000000000000000000\n\n";
    static const char end[] = "\n-----END ENCRYPTED PRIVATE KEY-----\n";
    cr_assert_eq(strncmp(made.text, chain, strlen(chain)), 0, "%s", made.text);
    cr_expect_eq(strncmp(made.text + strlen(chain), key, strlen(key)), 0, "%s", made.text);
    cr_expect_str_eq(made.text + made.length - strlen(end), end);
    cr_expect_eq(strlen(made.text), made.length);
}

Test(record_input, id_is_the_fingerprint_of_the_first_certificate)
{
    struct content fingerprint = shell("openssl x509 -in other.pem -noout -fingerprint -sha256 |"
                                       "cut -d= -f2 | tr -d ':\\n' | tr A-F a-f");
    struct record_made made = made_from(shell("cat other.pem cert.pem"));
    cr_expect_str_eq(made.id, joined("org", fingerprint.text, NULL).text);
    struct record_input input = upload_of(shell("cat other.pem cert.pem"));
    input.organisation = "";
    cr_expect_str_eq(made_of(&input).id, fingerprint.text);
}

Test(record_input, id_of_a_public_key_is_its_pin)
{
    struct content hash =
        shell("openssl pkey -pubin -in pub.pem -outform DER | sha256sum | cut -c-64 | tr -d '\\n'");
    struct record_made made = made_from(shell("cat pub.pem"));
    cr_expect_str_eq(made.id, joined("org", hash.text, NULL).text);
    cr_expect_str_eq(made.text, shell("cat pub.pem").text);
    cr_expect_not(made.has_private_key);
    struct record *record = record_of(made.id, made.text, made.length);
    cr_expect_eq(record_certificate_count(record), 0);
    record_free(record);
}

/* DER is kept as it was; openssl reads it with the secret, whatever it is. */
static void expect_key(const char *algorithm, const char *convert, bool is_ed25519)
{
    EVP_PKEY *key;
    struct content content =
        shell("openssl genpkey %s -out k; openssl req -x509 -key k -subj /CN=k -days 9 -out c;"
              "openssl %s -in k >k2; cat c k2",
              algorithm, convert);
    struct record_input input = upload_of(content);
    struct record_made made = made_of(&input);
    cr_expect_eq(made.is_ed25519, is_ed25519);
    struct record *record = record_of(made.id, made.text, made.length);
    cr_expect_eq(record_private_key(crypto_table(), record, input.secret, &key), RECORD_KEY_READ);
    crypto_table()->EVP_PKEY_free(key);
    record_free(record);
    directory_text(&directory, "block", strstr(made.text, "-----BEGIN ENCRYPTED"));
    cr_expect_str_eq(shell("openssl pkey -in block -passin pass:s3cret").text,
                     shell("openssl pkey -in k").text);
    cr_expect_str_eq(
        shell("openssl pkey -in block -passin pass:wrong >/dev/null 2>&1 && echo read; true").text, "");
}

Test(record_input, keys_of_each_kind)
{
    expect_key("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "pkey", false);
    expect_key("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "rsa -traditional", false);
    expect_key("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "pkey", false);
    expect_key("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "ec", false);
    expect_key("-algorithm ED25519", "pkey", true);
}

Test(record_input, an_iv_is_used_once)
{
    struct record_input input = upload_of(shell("cat cert.pem key.pem"));
    struct record_made first = made_of(&input);
    struct record_made second = made_of(&input);
    cr_expect_str_eq(first.id, second.id);
    cr_expect_str_neq(strstr(first.text, "DEK-Info"), strstr(second.text, "DEK-Info"));
}

Test(record_input, a_pin_has_no_private_key_to_warn_of)
{
    struct record_made made = made_from(shell("openssl genpkey -algorithm ED25519 | openssl pkey -pubout"));
    cr_expect_not(made.is_ed25519);
}
