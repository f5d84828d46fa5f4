#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "policy/record.h"
#include "policy/record_input.h"
#include "policy/record_key.h"
#include "policy/record_pem.h"

/* The DER of a block. */
struct part {
    unsigned char *der;
    size_t length;
    unsigned line;
};

/* A record that is being made. What a part held of a private key is wiped. */
struct making {
    struct record_upload upload;
    struct part *parts; /* the certificates in their order, or the public key */
    size_t count;
    struct part key; /* plain */
    unsigned char *cipher_text;
    size_t cipher_length;
    char headers[RECORD_HEADERS_SIZE];
};

static bool refuse_memory(const struct making *making)
{
    return record_input_refuse(&making->upload, "cannot be read: there is not enough memory; free some");
}

static bool decode(const struct making *making, const struct pem_block *block, struct part *part)
{
    part->line = block->line;
    switch (pem_decode(making->upload.ossl, block, &part->der, &part->length)) {
    case PEM_DECODED:
        return true;
    case PEM_NO_MEMORY:
        return refuse_memory(making);
    default:
        return record_input_refuse(
            &making->upload, "is damaged: the %s block at line %u is not base64; copy the whole file again",
            block->label, block->line);
    }
}

/* The certificates or the public key, as bytes. */
static bool decode_parts(struct making *making)
{
    const struct record_input *input = making->upload.input;
    struct pem_text rest;
    struct pem_block block;
    making->parts =
        calloc(making->upload.certificate_count + making->upload.public_key_count, sizeof *making->parts);
    if (making->parts == NULL)
        return refuse_memory(making);
    pem_begin(&rest, input->text, input->length);
    while (pem_next(&rest, &block) == PEM_BLOCK) {
        if (!ossl_is_certificate_block(block.label) && strcmp(block.label, "PUBLIC KEY") != 0)
            continue;
        if (!decode(making, &block, &making->parts[making->count++]))
            return false;
    }
    return true;
}

static X509 *parse_certificate(const struct ossl *ossl, const struct part *part)
{
    const unsigned char *in = part->der;
    X509 *certificate = ossl->d2i_X509(NULL, &in, (long)part->length);
    if (certificate != NULL && in != part->der + part->length) {
        ossl->X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* One is valid up to its last second. */
static bool check_expiry(const struct making *making, const struct part *part, const X509 *certificate)
{
    const struct ossl *ossl = making->upload.ossl;
    const ASN1_TIME *end = ossl->X509_get0_notAfter(certificate);
    struct tm tm = {0};
    time_t before = making->upload.input->now - 1;
    int order = end == NULL ? 0 : ossl->X509_cmp_time(end, &before);
    if (order > 0)
        return true;
    if (order == 0 || ossl->ASN1_TIME_to_tm(end, &tm) != 1)
        return record_input_refuse(
            &making->upload, "has a certificate, at line %u, whose time of expiry cannot be read; renew it",
            part->line);
    return record_input_refuse(
        &making->upload,
        "has an expired certificate, at line %u: it was valid until %04d-%02d-%02dT%02d:%02d:%02dZ; %s",
        part->line, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
        part == making->parts ? "renew it" : "renew it, or leave it out if nothing asks for it");
}

static bool check_certificates(const struct making *making)
{
    const struct ossl *ossl = making->upload.ossl;
    for (size_t i = 0; i < making->count; i++) {
        const struct part *part = &making->parts[i];
        X509 *certificate = parse_certificate(ossl, part);
        if (certificate == NULL)
            return record_input_refuse(&making->upload,
                                       "has a certificate, at line %u, that does not parse; give what "
                                       "'openssl x509' writes",
                                       part->line);
        bool is_valid = check_expiry(making, part, certificate);
        ossl->X509_free(certificate);
        if (!is_valid)
            return false;
    }
    return true;
}

/* The gateway takes only keys that it knows, so here OpenSSL must know it as well. */
static bool check_public_key(const struct making *making)
{
    const struct ossl *ossl = making->upload.ossl;
    const struct part *part = making->parts;
    const unsigned char *in = part->der;
    X509_PUBKEY *key = ossl->d2i_X509_PUBKEY(NULL, &in, (long)part->length);
    bool is_key = key != NULL && in == part->der + part->length && ossl->X509_PUBKEY_get0(key) != NULL;
    ossl->X509_PUBKEY_free(key);
    return is_key || record_input_refuse(&making->upload,
                                         "has a public key, at line %u, that does not parse; give what "
                                         "'openssl pkey -pubout' writes",
                                         part->line);
}

/* Of the certificate that the key belongs to; making->count: there is none. */
static size_t find_owner(const struct making *making, const EVP_PKEY *key)
{
    const struct ossl *ossl = making->upload.ossl;
    for (size_t i = 0; i < making->count; i++) {
        X509 *certificate = parse_certificate(ossl, &making->parts[i]);
        bool fits = certificate != NULL && ossl->X509_check_private_key(certificate, key) == 1;
        ossl->X509_free(certificate);
        if (fits)
            return i;
    }
    return making->count;
}

/* Not where its provider is not loaded; it can be compared with no private key then. */
static bool leaf_has_usable_key(const struct making *making)
{
    const struct ossl *ossl = making->upload.ossl;
    X509 *leaf = parse_certificate(ossl, making->parts);
    bool usable = leaf != NULL && ossl->X509_PUBKEY_get0(ossl->X509_get_X509_PUBKEY(leaf)) != NULL;
    ossl->X509_free(leaf);
    return usable;
}

static bool check_owner(const struct making *making, const EVP_PKEY *key)
{
    size_t owner = find_owner(making, key);
    if (owner == 0)
        return true;
    if (owner < making->count)
        return record_input_refuse(&making->upload, RECORD_KEY_OF_ANOTHER, making->parts[owner].line);
    if (!leaf_has_usable_key(making))
        return record_input_refuse(&making->upload, "has a certificate whose kind of key this OpenSSL cannot "
                                                    "read; check its providers, or use a newer one");
    return record_input_refuse(&making->upload,
                               "has a private key that does not match the first certificate; give the key "
                               "that its request was made with");
}

static bool check_key(const struct making *making)
{
    const struct ossl *ossl = making->upload.ossl;
    const unsigned char *in = making->key.der;
    const char *file = record_input_file(&making->upload);
    if (strcmp(making->upload.private_key.label, "OPENSSH PRIVATE KEY") == 0)
        return record_input_refuse(&making->upload,
                                   "has a private key in OpenSSH's own format; convert it: ssh-keygen -p -m "
                                   "PKCS8 -f '%s'",
                                   file);
    EVP_PKEY *key = ossl->d2i_AutoPrivateKey(NULL, &in, (long)making->key.length);
    bool is_key = key != NULL && in == making->key.der + making->key.length;
    bool fits = is_key && check_owner(making, key);
    ossl->EVP_PKEY_free(key);
    return is_key ? fits
                  : record_input_refuse(&making->upload,
                                        "has a private key, at line %u, that does not parse; give what "
                                        "'openssl pkey' writes",
                                        making->key.line);
}

static bool has_secret(const struct record_input *input)
{
    return input->secret != NULL && input->secret->data != NULL && input->secret->length > 0;
}

static bool encrypt(struct making *making)
{
    const struct record_input *input = making->upload.input;
    unsigned char iv[RECORD_IV_BYTES];
    if (input->iv != NULL)
        memcpy(iv, input->iv, sizeof iv);
    else if (getrandom(iv, sizeof iv, 0) != (ssize_t)sizeof iv)
        return record_input_refuse(&making->upload,
                                   "has a private key, and there are no random bytes to encrypt it with; "
                                   "allow getrandom(2)");
    return record_key_encrypt(making->upload.ossl, input->secret, iv, making->key.der, making->key.length,
                              &making->cipher_text, &making->cipher_length, making->headers) ||
           record_input_refuse(&making->upload,
                               "has a private key that cannot be encrypted; check that this OpenSSL has "
                               "AES-256-CBC, and that there is memory");
}

static bool take_key(struct making *making)
{
    const struct pem_block *block = &making->upload.private_key;
    const char *file = record_input_file(&making->upload);
    if (block->is_encrypted || strcmp(block->label, "ENCRYPTED PRIVATE KEY") == 0)
        return record_input_refuse(&making->upload,
                                   "has a private key that is encrypted; decrypt it, and give it behind the "
                                   "certificate: openssl pkey -in '%s' -out KEY",
                                   file);
    if (!decode(making, block, &making->key) || !check_key(making))
        return false;
    if (!has_secret(making->upload.input))
        return record_input_refuse(&making->upload,
                                   "has a private key, and there is no secret to encrypt it with; set "
                                   "security.private_certificate_encoding_secret_file in the policy, or "
                                   "TLSGRAFT_SECURITY_PRIVATECERTIFICATEENCODINGSECRET");
    return encrypt(making);
}

/* SubjectPublicKeyInfo of Ed25519: RFC 8410. */
static bool is_ed25519(const struct ossl *ossl, const struct part *leaf)
{
    static const unsigned char start[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};
    unsigned char *der = NULL;
    X509 *certificate = parse_certificate(ossl, leaf);
    if (certificate == NULL)
        return false;
    int length = ossl->i2d_X509_PUBKEY(ossl->X509_get_X509_PUBKEY(certificate), &der);
    bool is = length > (int)sizeof start && memcmp(der, start, sizeof start) == 0;
    ossl->CRYPTO_free(der, __FILE__, __LINE__);
    ossl->X509_free(certificate);
    return is;
}

static bool make_id(const struct making *making, struct record_made *made)
{
    const char *organisation = making->upload.input->organisation;
    const struct piece piece = {making->parts->der, making->parts->length};
    unsigned char sha256[PIN_BYTES];
    size_t before = strlen(organisation);
    if (!ossl_sha256(making->upload.ossl, &piece, 1, sha256))
        return record_input_refuse(&making->upload,
                                   "has no id: SHA-256 cannot be computed; check this OpenSSL");
    made->id = malloc(before + RECORD_HASH_DIGITS + 1);
    if (made->id == NULL)
        return refuse_memory(making);
    memcpy(made->id, organisation, before);
    for (size_t i = 0; i < PIN_BYTES; i++)
        snprintf(made->id + before + 2 * i, 3, "%02x", sha256[i]);
    const char *fault = record_id_fault(made->id);
    return fault == NULL || record_input_refuse(&making->upload,
                                                "would have an id that is not allowed: %s; choose another "
                                                "organisation than \"%.80s\"",
                                                fault, organisation);
}

static bool write_text(const struct making *making, struct record_made *made)
{
    const struct ossl *ossl = making->upload.ossl;
    const char *label = making->upload.certificate_count > 0 ? "CERTIFICATE" : "PUBLIC KEY";
    static const char key_label[] = "ENCRYPTED PRIVATE KEY";
    size_t size = 1;
    for (size_t i = 0; i < making->count; i++)
        size += pem_block_size(label, making->parts[i].length);
    if (made->has_private_key)
        size += pem_block_size(key_label, making->cipher_length) + strlen(making->headers);
    made->text = malloc(size);
    if (made->text == NULL)
        return refuse_memory(making);
    char *out = made->text;
    for (size_t i = 0; i < making->count; i++) {
        if (i > 0)
            *out++ = '\n';
        out = pem_write(ossl, out, label, "", making->parts[i].der, making->parts[i].length);
    }
    if (made->has_private_key) {
        *out++ = '\n';
        out = pem_write(ossl, out, key_label, making->headers, making->cipher_text, making->cipher_length);
    }
    made->length = (size_t)(out - made->text);
    return made->length <= RECORD_TEXT_MAX ||
           record_input_refuse(&making->upload, "makes a record that is longer than 1 MiB; leave out what "
                                                "does not belong to the chain");
}

static bool make(struct making *making, struct record_made *made)
{
    if (!record_input_survey(&making->upload) || !decode_parts(making))
        return false;
    if (making->upload.certificate_count > 0 ? !check_certificates(making) : !check_public_key(making))
        return false;
    made->has_private_key = making->upload.private_key_count > 0;
    if (made->has_private_key && !take_key(making))
        return false;
    made->is_ed25519 = made->has_private_key && is_ed25519(making->upload.ossl, making->parts);
    return make_id(making, made) && write_text(making, made);
}

static void clean(struct making *making)
{
    const struct ossl *ossl = making->upload.ossl;
    for (size_t i = 0; i < making->count; i++)
        free(making->parts[i].der);
    free(making->parts);
    record_key_wipe(ossl, making->key.der, making->key.length);
    free(making->cipher_text);
}

bool record_make(const struct ossl *ossl, const struct record_input *input, struct record_made *made,
                 char *why, size_t size)
{
    struct making making = {.upload = {.ossl = ossl, .input = input, .why = why, .size = size}};
    *made = (struct record_made){NULL, NULL, 0, false, false};
    ossl->ERR_set_mark();
    bool done = make(&making, made);
    ossl->ERR_pop_to_mark();
    clean(&making);
    return done;
}

void record_made_free(struct record_made *made)
{
    free(made->id);
    free(made->text);
    *made = (struct record_made){NULL, NULL, 0, false, false};
}
