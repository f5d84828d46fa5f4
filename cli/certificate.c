#include "cli/certificate.h"

#include <stdio.h>
#include <string.h>

/* openssl/x509.h: XN_FLAG_RFC2253 without ASN1_STRFLGS_ESC_MSB, so that names in other scripts stay readable.
 */
#define NAME_FLAGS 0x1110313UL

static void read_subject(const struct crypto *crypto, const X509 *x, char subject[CERTIFICATE_SUBJECT_SIZE])
{
    subject[0] = '\0';
    BIO *bio = crypto->BIO_new(crypto->BIO_s_mem());
    if (bio == NULL)
        return;
    const X509_NAME *name = crypto->X509_get_subject_name(x);
    if (name != NULL && crypto->X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0) {
        int length = crypto->BIO_read(bio, subject, CERTIFICATE_SUBJECT_SIZE - 1);
        subject[length > 0 ? length : 0] = '\0';
    }
    crypto->ossl.BIO_free(bio);
}

bool certificate_time(const struct crypto *crypto, const ASN1_TIME *encoded, time_t *time)
{
    struct tm tm = {0};
    if (encoded == NULL || crypto->ossl.ASN1_TIME_to_tm(encoded, &tm) != 1)
        return false;
    *time = timegm(&tm);
    return true;
}

bool certificate_read(const struct crypto *crypto, X509 *x, struct certificate *certificate)
{
    const struct ossl *ossl = &crypto->ossl;
    memset(certificate, 0, sizeof *certificate);
    ossl->ERR_set_mark();
    bool done = ossl_pin_of_certificate(ossl, x, &certificate->pin);
    if (done) {
        read_subject(crypto, x, certificate->subject);
        key_type_format(crypto, ossl->X509_get_X509_PUBKEY(x), certificate->key_type);
        certificate->expires = certificate_time(crypto, ossl->X509_get0_notAfter(x), &certificate->not_after);
    }
    ossl->ERR_pop_to_mark();
    return done;
}

/* What stands in one PEM block; of OpenSSL. */
struct block {
    char *name;
    char *header;
    unsigned char *data;
    long length;
};

static void free_block(const struct ossl *ossl, struct block *block)
{
    ossl->CRYPTO_free(block->name, __FILE__, __LINE__);
    ossl->CRYPTO_free(block->header, __FILE__, __LINE__);
    ossl->CRYPTO_free(block->data, __FILE__, __LINE__);
}

static bool read_public_key(const struct crypto *crypto, const struct block *block,
                            struct certificate *certificate)
{
    const struct ossl *ossl = &crypto->ossl;
    const unsigned char *in = block->data;
    X509_PUBKEY *key = ossl->d2i_X509_PUBKEY(NULL, &in, block->length);
    *certificate = (struct certificate){.is_key = true};
    bool done = key != NULL && ossl_pin_of_key(ossl, key, &certificate->pin);
    if (done)
        key_type_format(crypto, key, certificate->key_type);
    ossl->X509_PUBKEY_free(key);
    return done;
}

static bool read_certificate(const struct crypto *crypto, const struct block *block,
                             struct certificate *certificate)
{
    const struct ossl *ossl = &crypto->ossl;
    const unsigned char *in = block->data;
    X509 *x = ossl->d2i_X509(NULL, &in, block->length);
    bool done = x != NULL && certificate_read(crypto, x, certificate);
    ossl->X509_free(x);
    return done;
}

/* Where in `text` the next block starts: at the beginning of a line, as OpenSSL has it. NULL: nowhere. */
static const char *find_block(const char *text, const char *from)
{
    static const char begin[] = "-----BEGIN ";
    const char *at = from;
    while ((at = strstr(at, begin)) != NULL && at > text && at[-1] != '\n')
        at++;
    return at;
}

/* NULL: `*known` tells whether it is a block of which `certificate` now tells. Else what is wrong with it. */
static const char *read_block(const struct crypto *crypto, const struct block *block,
                              struct certificate *certificate, bool *known)
{
    *known = true;
    if (ossl_is_certificate_block(block->name))
        return read_certificate(crypto, block, certificate)
                   ? NULL
                   : "a certificate that does not parse; allowed is an X.509 certificate in PEM";
    if (strcmp(block->name, "PUBLIC KEY") == 0)
        return read_public_key(crypto, block, certificate)
                   ? NULL
                   : "a public key that does not parse; allowed is what 'openssl pkey -pubout' writes";
    *known = false;
    return NULL;
}

/* The same for the block at the start of `pem`. */
static const char *read_first(const struct crypto *crypto, const char *pem, struct certificate *certificate,
                              bool *known)
{
    const struct ossl *ossl = &crypto->ossl;
    const char *fault = "a PEM block that is damaged or cut off; get the file again, and whole";
    struct block block = {0};
    BIO *bio = ossl->BIO_new_mem_buf(pem, -1);
    if (bio == NULL)
        return "a PEM block, and there is not enough memory to read it; free some";
    if (ossl->PEM_read_bio(bio, &block.name, &block.header, &block.data, &block.length) == 1) {
        fault = read_block(crypto, &block, certificate, known);
        free_block(ossl, &block);
    }
    ossl->BIO_free(bio);
    return fault;
}

const char *certificate_each(const struct crypto *crypto, const char *pem, certificate_visit *visit,
                             void *context, unsigned *line)
{
    const char *fault = NULL;
    const char *seen = pem;
    bool goes_on = true;
    *line = 1;
    crypto->ossl.ERR_set_mark();
    for (const char *at = pem; goes_on && (at = find_block(pem, at)) != NULL; at++) {
        struct certificate certificate;
        bool known;
        for (; seen < at; seen++)
            *line += *seen == '\n';
        fault = read_first(crypto, at, &certificate, &known);
        goes_on = fault == NULL && (!known || visit(&certificate, *line, context));
    }
    crypto->ossl.ERR_pop_to_mark();
    return fault;
}

void certificate_pin_hex(const struct certificate *certificate, char hex[CERTIFICATE_HEX_SIZE])
{
    for (size_t i = 0; i < PIN_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", certificate->pin.sha256[i]);
}
