/* tests/vectors/store.json: inputs, and what the gateway stored for them. */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/pin.h"
#include "policy/record_key.h"
#include "policy/record_pem.h"
#include "tests/unit/record_support.h"
#include "tests/unit/support.h"

/* Of the vectors in the file. */
enum { STORED = 4, WITH_KEY = 3, REFUSED = 2 };

static void expect_made(const json_t *vector)
{
    unsigned char iv[16] = {0};
    const char *dek_info = vector_text(vector, "dek_info");
    struct secret secret = secret_of(vector_text(vector, "secret"));
    struct content stored = vector_file(vector_text(vector, "stored_file"));
    struct record_input input = upload_of(vector_file(vector_text(vector, "input_file")));
    if (dek_info != NULL)
        iv_of(dek_info, iv);
    input.organisation = vector_text(vector, "org_id");
    input.secret = &secret;
    input.iv = iv;
    struct record_made made = made_of(&input);
    cr_expect_str_eq(made.id, vector_text(vector, "cert_id"));
    cr_expect_str_eq(made.text, stored.text);
    cr_expect_eq(made.length, stored.length);
    cr_expect_eq(made.has_private_key, json_is_true(json_object_get(vector, "has_private")));
    cr_expect_not(made.is_ed25519);
    record_made_free(&made);
}

Test(record_vectors, uploads_are_stored_byte_for_byte)
{
    cr_expect_eq(each_vector("stored_file", expect_made), STORED);
}

static void expect_read(const json_t *vector)
{
    const struct ossl *ossl = crypto_table();
    const char *id = vector_text(vector, "cert_id");
    struct secret secret = secret_of(vector_text(vector, "secret"));
    struct content stored = vector_file(vector_text(vector, "stored_file"));
    struct record *record = record_of(id, stored.text, stored.length);
    struct pin pin;
    EVP_PKEY *key;
    cr_assert(pin_from_hex(vector_text(vector, "spki_sha256_pin"), RECORD_HASH_DIGITS, &pin));
    cr_expect(pin_equal(record_pin(record), &pin));
    cr_expect_eq(record_certificate_count(record), strcmp(vector_text(vector, "name"), "pub_rsa") == 0 ? 0
                                                   : json_object_get(vector, "extra") != NULL          ? 3
                                                                                                       : 1);
    cr_expect_eq(record_has_private_key(record), secret.data != NULL);
    cr_expect_eq(record_private_key(ossl, record, &secret, &key),
                 secret.data != NULL ? RECORD_KEY_READ : RECORD_KEY_NONE);
    cr_expect_eq(key != NULL, secret.data != NULL);
    if (key != NULL) {
        struct pin of_key;
        cr_expect(ossl_pin_of_pkey(ossl, key, &of_key) && pin_equal(&of_key, &pin));
    }
    ossl->EVP_PKEY_free(key);
    record_free(record);
}

Test(record_vectors, stored_texts_are_read)
{
    cr_expect_eq(each_vector("stored_file", expect_read), STORED);
}

static void expect_plaintext(const json_t *vector)
{
    const struct ossl *ossl = crypto_table();
    struct secret secret = secret_of(vector_text(vector, "secret"));
    struct content stored = vector_file(vector_text(vector, "stored_file"));
    struct pem_text rest;
    struct pem_block block;
    unsigned char *data;
    unsigned char *der;
    size_t length;
    struct pin expected, found;
    pem_begin(&rest, stored.text, stored.length);
    do
        cr_assert_eq(pem_next(&rest, &block), PEM_BLOCK);
    while (!pem_is_private_key(&block));
    cr_expect_str_eq(block.dek_info, vector_text(vector, "dek_info"));
    cr_assert_eq(pem_decode(ossl, &block, &data, &length), PEM_DECODED);
    cr_assert_eq(record_key_decrypt(ossl, &secret, block.dek_info, data, length, &der, &length),
                 RECORD_KEY_READ);
    const struct piece piece = {der, length};
    cr_assert(ossl_sha256(ossl, &piece, 1, found.sha256));
    cr_assert(pin_from_hex(vector_text(vector, "plaintext_key_der_sha256"), RECORD_HASH_DIGITS, &expected));
    cr_expect(pin_equal(&found, &expected), "%s", vector_text(vector, "name"));
    cr_expect_eq(pem_next(&rest, &block), PEM_END);
    free(data);
    record_key_wipe(ossl, der, length);
}

Test(record_vectors, keys_are_decrypted_to_what_was_in_the_input)
{
    cr_expect_eq(each_vector("plaintext_key_der_sha256", expect_plaintext), WITH_KEY);
}

static void expect_refused(const json_t *vector)
{
    char why[RECORD_WHY_SIZE] = "";
    struct record_made made;
    struct record_input input = upload_of(vector_file(vector_text(vector, "input_file")));
    cr_expect_not(record_make(crypto_table(), &input, &made, why, sizeof why));
    cr_expect_not_null(strstr(why, vector_text(vector, "add_error")), "%s", why);
    cr_expect_null(made.text);
}

Test(record_vectors, bad_uploads_are_refused)
{
    cr_expect_eq(each_vector("add_error", expect_refused), REFUSED);
}
