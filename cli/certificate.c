#include "cli/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/record_pem.h"
#include "policy/text.h"

/* openssl/x509.h: XN_FLAG_RFC2253 without ASN1_STRFLGS_ESC_MSB, so that names in other scripts stay readable.
 */
#define NAME_FLAGS 0x1110313UL

#define DAMAGED "a PEM block that is damaged or cut off; get the file again, and whole"

static void read_subject(const struct crypto *crypto, const X509 *x, char subject[CERTIFICATE_SUBJECT_SIZE])
{
    subject[0] = '\0';
    BIO *bio = crypto->BIO_new(crypto->BIO_s_mem());
    if (bio == NULL)
        return;
    const X509_NAME *name = crypto->ossl.X509_get_subject_name(x);
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

static bool read_public_key(const struct crypto *crypto, const unsigned char *der, size_t length,
                            struct certificate *certificate)
{
    const struct ossl *ossl = &crypto->ossl;
    X509_PUBKEY *key = ossl->d2i_X509_PUBKEY(NULL, &der, (long)length);
    *certificate = (struct certificate){.is_key = true};
    bool done = key != NULL && ossl_pin_of_key(ossl, key, &certificate->pin);
    if (done)
        key_type_format(crypto, key, certificate->key_type);
    ossl->X509_PUBKEY_free(key);
    return done;
}

static bool read_certificate(const struct crypto *crypto, const unsigned char *der, size_t length,
                             struct certificate *certificate)
{
    const struct ossl *ossl = &crypto->ossl;
    X509 *x = ossl->d2i_X509(NULL, &der, (long)length);
    bool done = x != NULL && certificate_read(crypto, x, certificate);
    ossl->X509_free(x);
    return done;
}

static bool is_public_key(const struct pem_block *block)
{
    return strcmp(block->label, "PUBLIC KEY") == 0;
}

/* NULL: `certificate` tells of the block, which is one of the two kinds. Else what is wrong with it. */
static const char *read_block(const struct crypto *crypto, const struct pem_block *block,
                              struct certificate *certificate)
{
    unsigned char *der;
    size_t length;
    switch (pem_decode(&crypto->ossl, block, &der, &length)) {
    case PEM_DECODED:
        break;
    case PEM_NO_MEMORY:
        return "a PEM block, and there is not enough memory to read it; free some";
    default:
        return DAMAGED;
    }
    bool is_key = is_public_key(block);
    bool done = is_key ? read_public_key(crypto, der, length, certificate)
                       : read_certificate(crypto, der, length, certificate);
    free(der);
    if (done)
        return NULL;
    return is_key ? "a public key that does not parse; allowed is what 'openssl pkey -pubout' writes"
                  : "a certificate that does not parse; allowed is an X.509 certificate in PEM";
}

const char *certificate_each(const struct crypto *crypto, const char *pem, size_t length,
                             certificate_visit *visit, void *context, unsigned *line)
{
    const char *fault = NULL;
    struct pem_text rest;
    struct pem_block block;
    enum pem_result result;
    bool goes_on = true;
    *line = 1;
    pem_begin(&rest, pem, length);
    crypto->ossl.ERR_set_mark();
    while (goes_on && fault == NULL && (result = pem_next(&rest, &block)) != PEM_END) {
        struct certificate certificate;
        *line = block.line;
        if (result == PEM_BROKEN) {
            fault = DAMAGED;
        } else if (is_public_key(&block) || ossl_is_certificate_block(block.label)) {
            fault = read_block(crypto, &block, &certificate);
            goes_on = fault == NULL && visit(&certificate, block.line, context);
        }
    }
    crypto->ossl.ERR_pop_to_mark();
    return fault;
}

void certificate_pin_hex(const struct certificate *certificate, char hex[CERTIFICATE_HEX_SIZE])
{
    text_hex(certificate->pin.sha256, PIN_BYTES, hex);
}
