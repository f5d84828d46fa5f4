#include "policy/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/der.h"
#include "policy/record_key.h"
#include "policy/record_pem.h"
#include "policy/text.h"

struct record {
    const struct ossl *ossl;
    struct pin pin;
    unsigned char sha256[PIN_BYTES]; /* of the DER of what the id names */
    X509 **certificates;
    unsigned *lines; /* of the certificates */
    size_t certificate_count;
    size_t public_key_count;
    unsigned char *key; /* the DER of the private key, or its cipher text; NULL: none */
    size_t key_length;
    bool is_encrypted;
    bool is_encrypted_otherwise; /* PKCS #8 with its own encryption */
    char dek_info[PEM_DEK_SIZE];
};

/* A record that is being read. */
struct reading {
    const struct ossl *ossl;
    struct record *record;
    char *why;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct reading *reading, const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->why, reading->size, format, arguments);
    va_end(arguments);
    text_for_terminal(reading->why);
    return false;
}

/* The block's bytes; the caller frees them. False: refused. */
static bool decode(const struct reading *reading, const struct pem_block *block, unsigned char **data,
                   size_t *length)
{
    switch (pem_decode(reading->ossl, block, data, length)) {
    case PEM_DECODED:
        return true;
    case PEM_NO_MEMORY:
        return refuse(reading, "there is not enough memory to read it");
    default:
        return refuse(reading, "its %s block at line %u is not base64", block->label, block->line);
    }
}

static bool hash(const struct reading *reading, const unsigned char *der, size_t length)
{
    const struct piece piece = {der, length};
    return ossl_sha256(reading->ossl, &piece, 1, reading->record->sha256) ||
           refuse(reading, "its SHA-256 cannot be computed");
}

static bool take_certificate(const struct reading *reading, const struct pem_block *block,
                             const unsigned char *der, size_t length)
{
    struct record *record = reading->record;
    const unsigned char *in = der;
    X509 *certificate = reading->ossl->d2i_X509(NULL, &in, (long)length);
    if (certificate == NULL)
        return refuse(reading, "its certificate at line %u does not parse", block->line);
    record->lines[record->certificate_count] = block->line;
    record->certificates[record->certificate_count++] = certificate;
    if (in != der + length)
        return refuse(reading, "its certificate at line %u has more bytes than one", block->line);
    if (record->certificate_count > 1)
        return true;
    if (!ossl_pin_of_certificate(reading->ossl, certificate, &record->pin))
        return refuse(reading, "the key of its first certificate cannot be read");
    return hash(reading, der, length);
}

/* Not whether OpenSSL could use the key: that depends on the providers that the host has loaded. */
static bool take_public_key(const struct reading *reading, const struct pem_block *block,
                            const unsigned char *der, size_t length)
{
    struct record *record = reading->record;
    const unsigned char *in = der;
    X509_PUBKEY *key = reading->ossl->d2i_X509_PUBKEY(NULL, &in, (long)length);
    reading->ossl->X509_PUBKEY_free(key);
    if (key == NULL || in != der + length)
        return refuse(reading, "its public key at line %u does not parse", block->line);
    if (record->public_key_count++ > 0)
        return refuse(reading, "it holds several public keys");
    if (!hash(reading, der, length))
        return false;
    memcpy(record->pin.sha256, record->sha256, PIN_BYTES);
    return true;
}

/* Takes the bytes over. */
static bool take_private_key(const struct reading *reading, const struct pem_block *block, unsigned char *der,
                             size_t length)
{
    struct record *record = reading->record;
    if (record->key != NULL) {
        record_key_wipe(reading->ossl, der, length);
        return refuse(reading, "it holds more than one private key");
    }
    record->key = der;
    record->key_length = length;
    record->is_encrypted = block->is_encrypted;
    record->is_encrypted_otherwise =
        !block->is_encrypted && strcmp(block->label, "ENCRYPTED PRIVATE KEY") == 0;
    memcpy(record->dek_info, block->dek_info, sizeof record->dek_info);
    return true;
}

static bool take_block(const struct reading *reading, const struct pem_block *block)
{
    unsigned char *der;
    size_t length;
    bool is_certificate = ossl_is_certificate_block(block->label);
    bool is_key = pem_is_private_key(block);
    if (!is_certificate && !is_key && strcmp(block->label, "PUBLIC KEY") != 0)
        return true;
    if (!decode(reading, block, &der, &length))
        return false;
    if (is_key)
        return take_private_key(reading, block, der, length);
    bool taken = is_certificate ? take_certificate(reading, block, der, length)
                                : take_public_key(reading, block, der, length);
    free(der);
    return taken;
}

static size_t count_certificates(const char *text, size_t length)
{
    struct pem_text rest;
    struct pem_block block;
    size_t count = 0;
    pem_begin(&rest, text, length);
    while (pem_next(&rest, &block) == PEM_BLOCK)
        count += ossl_is_certificate_block(block.label);
    return count;
}

static bool take_blocks(const struct reading *reading, const char *text, size_t length)
{
    struct pem_text rest;
    struct pem_block block;
    enum pem_result result;
    pem_begin(&rest, text, length);
    while ((result = pem_next(&rest, &block)) == PEM_BLOCK) {
        if (!take_block(reading, &block))
            return false;
    }
    if (result == PEM_BROKEN)
        return refuse(reading, "its %s block at line %u is cut off", block.label, block.line);
    return true;
}

/* Is what the blocks are together a record, and the one of this id? */
static bool check(const struct reading *reading, const char *id)
{
    const struct record *record = reading->record;
    char hex[RECORD_HASH_DIGITS + 1];
    if (record->certificate_count == 0 && record->public_key_count == 0)
        return refuse(reading, "it holds no certificate and no public key");
    if (record->certificate_count > 0 && record->public_key_count > 0)
        return refuse(reading, "it holds a certificate and a public key");
    if (id == NULL)
        return true;
    text_hex(record->sha256, PIN_BYTES, hex);
    size_t length = strlen(id);
    if (length < RECORD_HASH_DIGITS || strcmp(id + length - RECORD_HASH_DIGITS, hex) != 0)
        return refuse(reading,
                      "its %s is not the one of the id, which would end in %s: the record was damaged or "
                      "swapped",
                      record->certificate_count > 0 ? "first certificate" : "public key", hex);
    return true;
}

static bool read_text(const struct reading *reading, const char *id, const char *text, size_t length)
{
    struct record *record = reading->record;
    if (length > RECORD_TEXT_MAX)
        return refuse(reading, "it is longer than %d bytes", RECORD_TEXT_MAX);
    size_t most = count_certificates(text, length) + 1;
    record->certificates = calloc(most, sizeof(X509 *));
    record->lines = calloc(most, sizeof *record->lines);
    if (record->certificates == NULL || record->lines == NULL)
        return refuse(reading, "there is not enough memory to read it");
    return take_blocks(reading, text, length) && check(reading, id);
}

struct record *record_parse(const struct ossl *ossl, const char *id, const char *text, size_t length,
                            char *why, size_t size)
{
    const struct reading reading = {ossl, calloc(1, sizeof(struct record)), why, size};
    if (reading.record == NULL) {
        refuse(&reading, "there is not enough memory to read it");
        return NULL;
    }
    reading.record->ossl = ossl;
    ossl->ERR_set_mark();
    bool done = read_text(&reading, id, text, length);
    ossl->ERR_pop_to_mark();
    if (done)
        return reading.record;
    record_free(reading.record);
    return NULL;
}

void record_free(struct record *record)
{
    if (record == NULL)
        return;
    for (size_t i = 0; i < record->certificate_count; i++)
        record->ossl->X509_free(record->certificates[i]);
    free(record->certificates);
    free(record->lines);
    record_forget_private_key(record);
    free(record);
}

const struct pin *record_pin(const struct record *record)
{
    return &record->pin;
}

size_t record_certificate_count(const struct record *record)
{
    return record->certificate_count;
}

X509 *record_certificate(const struct record *record, size_t i)
{
    return record->certificates[i];
}

unsigned record_certificate_line(const struct record *record, size_t i)
{
    return record->lines[i];
}

bool record_has_private_key(const struct record *record)
{
    return record->key != NULL;
}

void record_forget_private_key(struct record *record)
{
    record_key_wipe(record->ossl, record->key, record->key_length);
    record->key = NULL;
    record->key_length = 0;
}

/* READ: it is the key of the first certificate. */
static enum record_key_result compare(const struct ossl *ossl, const struct record *record,
                                      const EVP_PKEY *key)
{
    if (record->certificate_count == 0)
        return RECORD_KEY_BROKEN;
    const X509 *leaf = record->certificates[0];
    if (ossl->X509_check_private_key(leaf, key) == 1)
        return RECORD_KEY_READ;
    /* Where its provider is not loaded the certificate's key can be compared with none. */
    return ossl->X509_PUBKEY_get0(ossl->X509_get_X509_PUBKEY(leaf)) == NULL ? RECORD_KEY_UNSUPPORTED
                                                                            : RECORD_KEY_BROKEN;
}

/* A key of its DER, whichever certificate it belongs to. */
static enum record_key_result load_key(const struct ossl *ossl, const struct record *record,
                                       const unsigned char *der, size_t length, EVP_PKEY **key)
{
    const unsigned char *in = der;
    /* A wrong secret may leave good padding by chance, but nothing that has the form of a key. */
    if (!der_is_whole(der, length))
        return record->is_encrypted ? RECORD_KEY_WRONG_SECRET : RECORD_KEY_BROKEN;
    *key = ossl->d2i_AutoPrivateKey(NULL, &in, (long)length);
    return *key == NULL ? RECORD_KEY_UNSUPPORTED : RECORD_KEY_READ;
}

static enum record_key_result decrypt_and_load(const struct ossl *ossl, const struct record *record,
                                               const struct secret *secret, EVP_PKEY **key)
{
    unsigned char *der;
    size_t length;
    enum record_key_result result =
        record_key_decrypt(ossl, secret, record->dek_info, record->key, record->key_length, &der, &length);
    if (result != RECORD_KEY_READ)
        return result;
    result = load_key(ossl, record, der, length, key);
    record_key_wipe(ossl, der, length);
    return result;
}

/* OpenSSL's error queue: the caller sets a mark. */
static enum record_key_result open_key(const struct ossl *ossl, const struct record *record,
                                       const struct secret *secret, EVP_PKEY **key)
{
    *key = NULL;
    if (record->key == NULL)
        return RECORD_KEY_NONE;
    if (record->is_encrypted_otherwise)
        return RECORD_KEY_UNSUPPORTED;
    if (record->is_encrypted && (secret == NULL || secret->data == NULL))
        return RECORD_KEY_NO_SECRET;
    if (record->is_encrypted)
        return decrypt_and_load(ossl, record, secret, key);
    return load_key(ossl, record, record->key, record->key_length, key);
}

enum record_key_result record_private_key(const struct ossl *ossl, const struct record *record,
                                          const struct secret *secret, EVP_PKEY **key)
{
    ossl->ERR_set_mark();
    enum record_key_result result = open_key(ossl, record, secret, key);
    if (result == RECORD_KEY_READ)
        result = compare(ossl, record, *key);
    if (result != RECORD_KEY_READ) {
        ossl->EVP_PKEY_free(*key);
        *key = NULL;
    }
    ossl->ERR_pop_to_mark();
    return result;
}

size_t record_key_owner(const struct ossl *ossl, const struct record *record, const struct secret *secret)
{
    EVP_PKEY *key;
    size_t i = 0;
    ossl->ERR_set_mark();
    bool is_open = open_key(ossl, record, secret, &key) == RECORD_KEY_READ;
    while (i < record->certificate_count &&
           !(is_open && ossl->X509_check_private_key(record->certificates[i], key) == 1))
        i++;
    ossl->EVP_PKEY_free(key);
    ossl->ERR_pop_to_mark();
    return i;
}

const char *record_key_words(enum record_key_result result)
{
    switch (result) {
    case RECORD_KEY_READ:
        return "the private key was read";
    case RECORD_KEY_NONE:
        return "the record has no private key";
    case RECORD_KEY_NO_SECRET:
        return "the private key is encrypted, and there is no secret to read it with";
    case RECORD_KEY_WRONG_SECRET:
        return "the secret is wrong: the private key cannot be decrypted with it";
    case RECORD_KEY_BROKEN:
        return "the private key is damaged, or is not the key of the first certificate";
    case RECORD_KEY_UNSUPPORTED:
        return "the private key is of a kind, or encrypted in a way, that this OpenSSL cannot read";
    default:
        return "there is not enough memory to read the private key";
    }
}
