#include "policy/openssl.h"

#include <string.h>

#include "policy/pin.h"

enum presence { OPTIONAL, REQUIRED };

struct function {
    const char *name;
    const char *older;
    size_t offset;
    enum presence presence;
};

#define ROW(presence, result, name, older, arguments) {#name, older, offsetof(struct ossl, name), presence},
static const struct function crypto_functions[] = {OSSL_CRYPTO_FUNCTIONS(ROW)};
static const struct function ssl_functions[] = {OSSL_SSL_FUNCTIONS(ROW)};
#undef ROW

static const char *fill(struct ossl *ossl, const struct function *functions, size_t count, ossl_find *find,
                        void *context)
{
    for (size_t i = 0; i < count; i++) {
        void *address = find(context, functions[i].name);
        if (address == NULL && functions[i].older != NULL)
            address = find(context, functions[i].older);
        if (address == NULL && functions[i].presence == REQUIRED)
            return functions[i].name;
        /* POSIX lets a function pointer be read back from void *, by its bytes. */
        memcpy((unsigned char *)ossl + functions[i].offset, &address, sizeof address);
    }
    return NULL;
}

const char *ossl_fill_crypto(struct ossl *ossl, ossl_find *find, void *context)
{
    const char *missing =
        fill(ossl, crypto_functions, sizeof crypto_functions / sizeof *crypto_functions, find, context);
    if (missing != NULL)
        return missing;
    if (ossl->ERR_set_error != NULL && ossl->ERR_new != NULL && ossl->ERR_set_debug != NULL)
        return NULL;
    return ossl->ERR_put_error != NULL && ossl->ERR_add_error_data != NULL ? NULL : "ERR_set_error";
}

const char *ossl_fill_ssl(struct ossl *ossl, ossl_find *find, void *context)
{
    return fill(ossl, ssl_functions, sizeof ssl_functions / sizeof *ssl_functions, find, context);
}

bool ossl_is_supported(const struct ossl *ossl)
{
    /* LibreSSL answers 2.0.0; BoringSSL and AWS-LC answer 1.1.1 with a text of their own. */
    unsigned long number = ossl->OpenSSL_version_num();
    const char *text = ossl->OpenSSL_version(0);
    return number >= 0x10101000UL && number < 0x50000000UL && (number >> 28) != 2 && text != NULL &&
           strncmp(text, "OpenSSL ", strlen("OpenSSL ")) == 0 && strstr(text, "compatible") == NULL;
}

bool ossl_is_certificate_block(const char *name)
{
    return strcmp(name, "CERTIFICATE") == 0 || strcmp(name, "X509 CERTIFICATE") == 0;
}

int ossl_stack_count(const struct ossl *ossl, const X509_STACK *stack)
{
    return stack == NULL ? 0 : ossl->OPENSSL_sk_num((const OPENSSL_STACK *)stack);
}

X509 *ossl_stack_at(const struct ossl *ossl, const X509_STACK *stack, int i)
{
    return ossl->OPENSSL_sk_value((const OPENSSL_STACK *)stack, i);
}

/* The low-level functions, not EVP_Digest: they allocate nothing, and need no provider. */
bool ossl_sha256(const struct ossl *ossl, const struct piece *pieces, size_t count, unsigned char digest[32])
{
    /* An opaque struct SHA256state_st: 112 bytes in every line (openssl/sha.h). */
    _Alignas(max_align_t) unsigned char state[256];
    bool done = ossl->SHA256_Init((struct SHA256state_st *)state) == 1;
    for (size_t i = 0; done && i < count; i++)
        done = ossl->SHA256_Update((struct SHA256state_st *)state, pieces[i].data, pieces[i].length) == 1;
    return done && ossl->SHA256_Final(digest, (struct SHA256state_st *)state) == 1;
}

/* Of the DER of a SubjectPublicKeyInfo, which is freed. */
static bool pin_of_der(const struct ossl *ossl, unsigned char *der, int length, struct pin *pin)
{
    if (length <= 0 || der == NULL)
        return false;
    const struct piece piece = {der, (size_t)length};
    bool done = ossl_sha256(ossl, &piece, 1, pin->sha256);
    ossl->CRYPTO_free(der, __FILE__, __LINE__);
    return done;
}

bool ossl_pin_of_key(const struct ossl *ossl, const X509_PUBKEY *key, struct pin *pin)
{
    unsigned char *der = NULL;
    int length = ossl->i2d_X509_PUBKEY(key, &der);
    return pin_of_der(ossl, der, length, pin);
}

bool ossl_pin_of_pkey(const struct ossl *ossl, const EVP_PKEY *key, struct pin *pin)
{
    unsigned char *der = NULL;
    int length = ossl->i2d_PUBKEY(key, &der);
    return pin_of_der(ossl, der, length, pin);
}

bool ossl_pin_of_certificate(const struct ossl *ossl, const X509 *certificate, struct pin *pin)
{
    const X509_PUBKEY *key = ossl->X509_get_X509_PUBKEY(certificate);
    return key != NULL && ossl_pin_of_key(ossl, key, pin);
}
