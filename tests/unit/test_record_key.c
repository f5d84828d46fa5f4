/* The encryption of keys beside OpenSSL's own EVP_BytesToKey(3). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "policy/record_key.h"
#include "tests/unit/record_support.h"
#include "tests/unit/support.h"

typedef int bytes_to_key(const EVP_CIPHER *cipher, const EVP_MD *md, const unsigned char *salt,
                         const unsigned char *data, int length, int count, unsigned char *key,
                         unsigned char *iv);
typedef const EVP_MD *md5_of_openssl(void);

static const unsigned char iv[RECORD_IV_BYTES] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0xff, 0xee};
static const unsigned char plain[] = "thirty-three bytes of plain text.";

/* What OpenSSL decrypts of it; the caller frees. */
static size_t reference(const struct secret *secret, const unsigned char *data, size_t length,
                        unsigned char *out)
{
    const struct ossl *ossl = crypto_table();
    bytes_to_key *derive;
    md5_of_openssl *md5;
    unsigned char key[64];
    int updated = 0;
    int final = 0;
    void *functions[] = {crypto_function("EVP_BytesToKey"), crypto_function("EVP_md5")};
    cr_assert(functions[0] != NULL && functions[1] != NULL);
    memcpy(&derive, &functions[0], sizeof derive);
    memcpy(&md5, &functions[1], sizeof md5);
    const EVP_CIPHER *cipher = ossl->EVP_get_cipherbyname("AES-256-CBC");
    EVP_CIPHER_CTX *context = ossl->EVP_CIPHER_CTX_new();
    cr_assert_eq(
        derive(cipher, md5(), iv, (const unsigned char *)secret->data, (int)secret->length, 1, key, NULL),
        32);
    cr_assert_eq(ossl->EVP_CipherInit_ex(context, cipher, NULL, key, iv, 0), 1);
    cr_assert_eq(ossl->EVP_CipherUpdate(context, out, &updated, data, (int)length), 1);
    cr_assert_eq(ossl->EVP_CipherFinal_ex(context, out + updated, &final), 1);
    ossl->EVP_CIPHER_CTX_free(context);
    return (size_t)updated + (size_t) final;
}

static void expect(const struct secret *secret)
{
    const struct ossl *ossl = crypto_table();
    unsigned char found[128];
    unsigned char *data;
    unsigned char *back;
    size_t length, back_length;
    char headers[RECORD_HEADERS_SIZE];
    cr_assert(record_key_encrypt(ossl, secret, iv, plain, sizeof plain, &data, &length, headers));
    cr_expect_str_eq(headers,
                     "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,090807060504030201ffee0000000000\n\n");
    cr_expect_eq(reference(secret, data, length, found), sizeof plain);
    cr_expect_arr_eq(found, plain, sizeof plain, "secret of %zu bytes", secret->length);
    cr_assert_eq(record_key_decrypt(ossl, secret, "AES-256-CBC,090807060504030201FFEE0000000000", data,
                                    length, &back, &back_length),
                 RECORD_KEY_READ);
    cr_expect_eq(back_length, sizeof plain);
    cr_expect_arr_eq(back, plain, sizeof plain);
    record_key_wipe(ossl, back, back_length);
    free(data);
}

Test(record_key, secrets_of_any_length)
{
    static char bytes[5000];
    static const size_t lengths[] = {1, 7, 8, 16, 32, 55, 56, 64, 1023, 1024, 1025, 5000};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 + 1);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        expect(&(struct secret){bytes, lengths[i]});
}

Test(record_key, secrets_with_nul_bytes)
{
    expect(&(struct secret){"\0", 1});
    expect(&(struct secret){"a\0b", 3});
    expect(&(struct secret){"a\0c", 3});
}

Test(record_key, a_secret_that_begins_as_another_is_another)
{
    const struct ossl *ossl = crypto_table();
    static char bytes[2000];
    unsigned char *data;
    unsigned char *back = NULL;
    size_t length;
    char headers[RECORD_HEADERS_SIZE];
    const struct secret whole = {bytes, sizeof bytes};
    memset(bytes, 'x', sizeof bytes);
    cr_assert(record_key_encrypt(ossl, &whole, iv, plain, sizeof plain, &data, &length, headers));
    for (size_t less = 1000; less < sizeof bytes; less += 333) {
        const struct secret cut = {bytes, less};
        size_t back_length = 0;
        enum record_key_result result = record_key_decrypt(
            ossl, &cut, "AES-256-CBC,090807060504030201ffee0000000000", data, length, &back, &back_length);
        cr_expect(result != RECORD_KEY_READ || back_length != sizeof plain ||
                  memcmp(back, plain, sizeof plain) != 0);
        record_key_wipe(ossl, back, back_length);
    }
    free(data);
}
