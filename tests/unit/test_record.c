/* Records as a store gives them: written by others, damaged, swapped. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/record_support.h"
#include "tests/unit/support.h"

TestSuite(record, .init = record_fixture_make, .fini = fixture_clean);

static void expect_refused(const char *id, struct content content, const char *words)
{
    char why[RECORD_WHY_SIZE] = "";
    cr_expect_null(record_parse(crypto_table(), id, content.text, content.length, why, sizeof why), "%s",
                   words);
    cr_expect_not_null(strstr(why, words), "\"%s\" is not in \"%s\"", words, why);
    cr_expect_eq(crypto_table()->ERR_peek_last_error(), 0);
}

static enum record_key_result key_of(struct content content, const char *secret_text)
{
    EVP_PKEY *key;
    struct secret secret = secret_of(secret_text);
    struct record *record = record_of(NULL, content.text, content.length);
    enum record_key_result result = record_private_key(crypto_table(), record, &secret, &key);
    cr_expect_eq(key != NULL, result == RECORD_KEY_READ);
    cr_expect_eq(crypto_table()->ERR_peek_last_error(), 0);
    crypto_table()->EVP_PKEY_free(key);
    record_free(record);
    return result;
}

Test(record, one_that_was_swapped_is_refused)
{
    struct record_input input = upload_of(shell("cat cert.pem other.pem"));
    struct record_made made = made_of(&input);
    record_free(record_of(made.id, made.text, made.length));
    record_free(record_of(made.id, shell("cat cert.pem").text, shell("cat cert.pem").length));
    expect_refused(made.id, shell("cat other.pem cert.pem"),
                   "its first certificate is not the one of the id");
    expect_refused(made.id, shell("cat pub.pem"), "its public key is not the one of the id");
    expect_refused(made.id + strlen("org") + 1, shell("cat cert.pem"), "is not the one of the id");
    input = upload_of(shell("cat pub.pem"));
    made = made_of(&input);
    expect_refused(made.id, shell("openssl pkey -in other.key -pubout"),
                   "its public key is not the one of the id");
    made.id[strlen(made.id) - 1] ^= 1;
    expect_refused(made.id, shell("cat pub.pem"), "its public key is not the one of the id");
}

Test(record, what_is_none)
{
    struct content big = {calloc(1, RECORD_TEXT_MAX + 1), RECORD_TEXT_MAX + 1};
    struct content cut = shell("cat cert.pem");
    expect_refused(NULL, joined("", NULL), "no certificate and no public key");
    expect_refused(NULL, joined("junk", NULL), "no certificate and no public key");
    expect_refused(NULL, shell("cat key.pem"), "no certificate and no public key");
    expect_refused(NULL, big, "longer than 1048576 bytes");
    cut.length -= 40;
    expect_refused(NULL, cut, "its CERTIFICATE block at line 1 is cut off");
    expect_refused(NULL, shell("sed '3s/./?/' cert.pem"), "its CERTIFICATE block at line 1 is not base64");
    expect_refused(NULL, shell("sed 3d cert.pem"), "its certificate at line 1 does not parse");
    expect_refused(NULL, shell("cat cert.pem pub.pem"), "holds a certificate and a public key");
    expect_refused(NULL, shell("cat pub.pem pub.pem"), "holds several public keys");
    expect_refused(NULL, shell("cat cert.pem key.pem key.pem"), "holds more than one private key");
    expect_refused(NULL, shell("sed 's/^MFk/MFo/' pub.pem"), "its public key at line 1 does not parse");
    expect_refused(NULL,
                   shell("(openssl x509 -in cert.pem -outform DER; printf x) | openssl base64 |"
                         "(echo -----BEGIN CERTIFICATE-----; cat; echo -----END CERTIFICATE-----)"),
                   "has more bytes than one");
}

Test(record, nul_bytes_do_no_harm)
{
    struct content content = shell("cat cert.pem");
    for (size_t i = 0; i < content.length; i++) {
        char why[RECORD_WHY_SIZE];
        char kept = content.text[i];
        content.text[i] = '\0';
        record_free(record_parse(crypto_table(), "id", content.text, content.length, why, sizeof why));
        content.text[i] = kept;
    }
}

Test(record, keys_that_others_encrypted)
{
    static const char *const ciphers[] = {"des3", "aes128", "aes192", "aes256", "camellia128", "aes-128-cfb"};
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        struct content content =
            shell("openssl ec -in key.pem -%s -passout pass:pw; cat cert.pem", ciphers[i]);
        cr_expect_not_null(strstr(content.text, "DEK-Info: "));
        cr_expect_eq(key_of(content, "pw"), RECORD_KEY_READ, "%s", ciphers[i]);
        cr_expect_eq(key_of(content, "wp"), RECORD_KEY_WRONG_SECRET, "%s", ciphers[i]);
        cr_expect_eq(key_of(content, NULL), RECORD_KEY_NO_SECRET, "%s", ciphers[i]);
    }
    /* Its name and its IV in the other case. */
    cr_expect_eq(key_of(shell("openssl ec -in key.pem -aes256 -passout pass:pw | tr -d '\\r' |"
                              "sed '/^DEK/{s/.*/\\L&/;s/dek-info/DEK-Info/}'; cat cert.pem"),
                        "pw"),
                 RECORD_KEY_READ);
}

Test(record, labels_and_order_do_not_matter)
{
    static const char *const labels[] = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
                                         "ENCRYPTED PRIVATE KEY"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        cr_expect_eq(key_of(shell("openssl ec -in key.pem -aes256 -passout pass:pw |"
                                  "sed 's/EC PRIVATE KEY/%s/'; cat cert.pem other.pem",
                                  labels[i]),
                            "pw"),
                     RECORD_KEY_READ, "%s", labels[i]);
    }
    cr_expect_eq(key_of(shell("cat cert.pem key.pem other.pem"), NULL), RECORD_KEY_READ, "not encrypted");
}

Test(record, keys_that_cannot_be_read)
{
    cr_expect_eq(key_of(shell("cat cert.pem"), "pw"), RECORD_KEY_NONE);
    cr_expect_eq(key_of(shell("cat cert.pem other.key"), NULL), RECORD_KEY_BROKEN, "of another certificate");
    cr_expect_eq(key_of(shell("cat cert.pem; openssl ec -in other.key -aes256 -passout pass:pw"), "pw"),
                 RECORD_KEY_BROKEN);
    cr_expect_eq(key_of(shell("cat cert.pem; openssl pkcs8 -topk8 -in key.pem -passout pass:pw"), "pw"),
                 RECORD_KEY_UNSUPPORTED, "PKCS #8");
    cr_expect_eq(key_of(shell("cat pub.pem key.pem"), NULL), RECORD_KEY_BROKEN);
}

static enum record_key_result with_dek_info(const char *dek_info)
{
    return key_of(
        shell("openssl ec -in key.pem -aes256 -passout pass:pw | sed 's/^DEK-Info:.*/%s/'; cat cert.pem",
              dek_info),
        "pw");
}

Test(record, dek_info_that_is_damaged)
{
    static const char iv[] = "00112233445566778899AABBCCDDEEFF";
    cr_expect_eq(with_dek_info(joined("DEK-Info: AES-256-CBC,", iv, NULL).text), RECORD_KEY_WRONG_SECRET);
    cr_expect_eq(with_dek_info(""), RECORD_KEY_BROKEN);
    cr_expect_eq(with_dek_info("DEK-Info: AES-256-CBC"), RECORD_KEY_BROKEN);
    cr_expect_eq(with_dek_info("DEK-Info: AES-256-CBC,00"), RECORD_KEY_BROKEN);
    cr_expect_eq(with_dek_info(joined("DEK-Info: AES-256-CBC,", iv, "00", NULL).text), RECORD_KEY_BROKEN);
    cr_expect_eq(with_dek_info("DEK-Info: AES-256-CBC,0011223344556677x899AABBCCDDEEFF"), RECORD_KEY_BROKEN);
    cr_expect_eq(with_dek_info(joined("DEK-Info: NO-SUCH,", iv, NULL).text), RECORD_KEY_UNSUPPORTED);
    cr_expect_eq(with_dek_info(joined("DEK-Info: AES-256-GCM,", iv, NULL).text), RECORD_KEY_UNSUPPORTED);
    cr_expect_eq(with_dek_info("DEK-Info: AES-256-ECB,"), RECORD_KEY_UNSUPPORTED);
    cr_expect_eq(with_dek_info(joined("DEK-Info: AES-256-CBC-HMAC-SHA1,", iv, NULL).text),
                 RECORD_KEY_UNSUPPORTED);
}
