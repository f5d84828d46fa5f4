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

static bool read_not_after(const struct crypto *crypto, const X509 *x, time_t *not_after)
{
    struct tm tm = {0};
    const ASN1_TIME *time = crypto->X509_get0_notAfter(x);
    if (time == NULL || crypto->ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *not_after = timegm(&tm);
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
        certificate->expires = read_not_after(crypto, x, &certificate->not_after);
    }
    ossl->ERR_pop_to_mark();
    return done;
}

void certificate_pin_hex(const struct certificate *certificate, char hex[CERTIFICATE_HEX_SIZE])
{
    for (size_t i = 0; i < PIN_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", certificate->pin.sha256[i]);
}
