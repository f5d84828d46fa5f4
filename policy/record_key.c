#include "policy/record_key.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/md5.h"

enum {
    KEY_BYTES_MAX = 64,   /* EVP_MAX_KEY_LENGTH */
    IV_BYTES_MAX = 16,    /* EVP_MAX_IV_LENGTH */
    SALT_BYTES = 8,       /* PKCS5_SALT_LEN */
    BLOCK_BYTES_MAX = 32, /* EVP_MAX_BLOCK_LENGTH */
    CIPHER_NAME_SIZE = 48
};

struct scheme {
    const EVP_CIPHER *cipher;
    size_t key_length;
    unsigned char iv[IV_BYTES_MAX];
};

/* One direction of it, over all the data; 1: encrypt. */
struct work {
    const struct ossl *ossl;
    const struct secret *secret;
    const unsigned char *data;
    size_t length;
    int encrypt;
};

/* Without EVP_BytesToKey(3), whose MD5 is not everywhere, and whose callers in OpenSSL cut the secret. */
static void derive(const struct ossl *ossl, const struct secret *secret, const struct scheme *scheme,
                   unsigned char key[KEY_BYTES_MAX])
{
    struct md5 md5;
    unsigned char digest[MD5_BYTES];
    for (size_t have = 0; have < scheme->key_length; have += sizeof digest) {
        size_t left = scheme->key_length - have;
        md5_begin(&md5);
        if (have > 0)
            md5_add(&md5, digest, sizeof digest);
        md5_add(&md5, secret->data, secret->length);
        md5_add(&md5, scheme->iv, SALT_BYTES);
        md5_end(&md5, digest);
        memcpy(key + have, digest, left < sizeof digest ? left : sizeof digest);
    }
    ossl->OPENSSL_cleanse(&md5, sizeof md5);
    ossl->OPENSSL_cleanse(digest, sizeof digest);
}

void record_key_wipe(const struct ossl *ossl, unsigned char *data, size_t length)
{
    if (data != NULL)
        ossl->OPENSSL_cleanse(data, length);
    free(data);
}

/* READ, or what the last step that failed tells: the beginning that OpenSSL cannot, the end that the secret
 * is wrong. */
static enum record_key_result run(const struct work *work, const struct scheme *scheme,
                                  EVP_CIPHER_CTX *context, unsigned char *out, size_t *out_length)
{
    const struct ossl *ossl = work->ossl;
    unsigned char key[KEY_BYTES_MAX];
    int updated = 0;
    int final = 0;
    derive(ossl, work->secret, scheme, key);
    bool begun = ossl->EVP_CipherInit_ex(context, scheme->cipher, NULL, key, scheme->iv, work->encrypt) == 1;
    ossl->OPENSSL_cleanse(key, sizeof key);
    if (!begun)
        return RECORD_KEY_UNSUPPORTED;
    if (ossl->EVP_CipherUpdate(context, out, &updated, work->data, (int)work->length) != 1 || updated < 0 ||
        ossl->EVP_CipherFinal_ex(context, out + updated, &final) != 1 || final < 0)
        return RECORD_KEY_WRONG_SECRET;
    *out_length = (size_t)updated + (size_t) final;
    return RECORD_KEY_READ;
}

/* `*out` is NULL unless it is READ. */
static enum record_key_result work_through(const struct work *work, const struct scheme *scheme,
                                           unsigned char **out, size_t *out_length)
{
    size_t capacity = work->length + BLOCK_BYTES_MAX;
    *out = NULL;
    *out_length = 0;
    if (work->length > RECORD_TEXT_MAX)
        return RECORD_KEY_BROKEN;
    unsigned char *buffer = malloc(capacity);
    EVP_CIPHER_CTX *context = work->ossl->EVP_CIPHER_CTX_new();
    enum record_key_result result = RECORD_KEY_NO_MEMORY;
    if (buffer != NULL && context != NULL)
        result = run(work, scheme, context, buffer, out_length);
    work->ossl->EVP_CIPHER_CTX_free(context); /* wipes it */
    if (result == RECORD_KEY_READ)
        *out = buffer;
    else
        record_key_wipe(work->ossl, buffer, capacity);
    return result;
}

/* Only ciphers that hold no more than a key and an IV: a mode that wants a tag, or padding of its own, is
 * not what the header can say. */
static bool find_cipher(const struct ossl *ossl, const char *name, struct scheme *scheme, size_t *iv_length)
{
    const EVP_CIPHER *cipher = ossl->EVP_get_cipherbyname(name);
    if (cipher == NULL)
        return false;
    unsigned long flags = ossl->EVP_CIPHER_get_flags(cipher);
    unsigned long mode = flags & OSSL_CIPHER_MODES;
    int key = ossl->EVP_CIPHER_get_key_length(cipher);
    int iv = ossl->EVP_CIPHER_get_iv_length(cipher);
    if ((mode != OSSL_CIPHER_CBC && mode != OSSL_CIPHER_CFB && mode != OSSL_CIPHER_OFB &&
         mode != OSSL_CIPHER_CTR) ||
        (flags & OSSL_CIPHER_AEAD) != 0 || key <= 0 || key > KEY_BYTES_MAX || iv < SALT_BYTES ||
        iv > IV_BYTES_MAX)
        return false;
    scheme->cipher = cipher;
    scheme->key_length = (size_t)key;
    *iv_length = (size_t)iv;
    return true;
}

/* `AES-256-CBC,` and the IV in hex. */
static enum record_key_result read_scheme(const struct ossl *ossl, const char *dek_info,
                                          struct scheme *scheme)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    char name[CIPHER_NAME_SIZE];
    size_t iv_length;
    const char *comma = strchr(dek_info, ',');
    size_t length = comma == NULL ? strlen(dek_info) : (size_t)(comma - dek_info);
    if (comma == NULL || length >= sizeof name)
        return RECORD_KEY_BROKEN;
    memcpy(name, dek_info, length);
    name[length] = '\0';
    if (!find_cipher(ossl, name, scheme, &iv_length))
        return RECORD_KEY_UNSUPPORTED;
    const char *hex = comma + 1;
    while (*hex == ' ')
        hex++;
    if (strlen(hex) != 2 * iv_length || strspn(hex, digits) != 2 * iv_length)
        return RECORD_KEY_BROKEN;
    for (size_t i = 0; i < iv_length; i++) {
        size_t high = (size_t)(strchr(digits, hex[2 * i]) - digits) % 16;
        size_t low = (size_t)(strchr(digits, hex[2 * i + 1]) - digits) % 16;
        scheme->iv[i] = (unsigned char)(high << 4 | low);
    }
    return RECORD_KEY_READ;
}

enum record_key_result record_key_decrypt(const struct ossl *ossl, const struct secret *secret,
                                          const char *dek_info, const unsigned char *data, size_t length,
                                          unsigned char **out, size_t *out_length)
{
    struct scheme scheme;
    const struct work work = {ossl, secret, data, length, 0};
    *out = NULL;
    enum record_key_result result = read_scheme(ossl, dek_info, &scheme);
    return result == RECORD_KEY_READ ? work_through(&work, &scheme, out, out_length) : result;
}

bool record_key_encrypt(const struct ossl *ossl, const struct secret *secret,
                        const unsigned char iv[RECORD_IV_BYTES], const unsigned char *der, size_t length,
                        unsigned char **out, size_t *out_length, char headers[RECORD_HEADERS_SIZE])
{
    struct scheme scheme;
    char dek_info[PEM_DEK_SIZE] = "AES-256-CBC,";
    size_t at = strlen(dek_info);
    const struct work work = {ossl, secret, der, length, 1};
    *out = NULL;
    for (size_t i = 0; i < RECORD_IV_BYTES; i++)
        snprintf(dek_info + at + 2 * i, 3, "%02x", iv[i]);
    snprintf(headers, RECORD_HEADERS_SIZE, "Proc-Type: 4,ENCRYPTED\nDEK-Info: %s\n\n", dek_info);
    return read_scheme(ossl, dek_info, &scheme) == RECORD_KEY_READ &&
           work_through(&work, &scheme, out, out_length) == RECORD_KEY_READ;
}
