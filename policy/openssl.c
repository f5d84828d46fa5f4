#include "policy/openssl.h"

#include <stdint.h>
#include <string.h>

#include "policy/gnu_hash.h"
#include "policy/pin.h"

enum presence { OPTIONAL, REQUIRED };

/*
 * The names are one text, each followed by the older one, which may be empty: pointers to them would be
 * relocated in every process at its start, and the pages of this table written to for that.
 */
struct functions {
    const char *names;
    const struct place *places; /* in the order of the names */
    size_t count;
};

struct place {
    uint32_t hash; /* of the name, and of the older one */
    uint32_t older_hash;
    uint16_t offset; /* in struct ossl */
    uint8_t presence;
    uint8_t size; /* of the name, and of the older one, with the NUL */
    uint8_t older_size;
};

#define NAMES(presence, result, name, older, arguments) #name "\0" older "\0"
#define PLACE(presence, result, name, older, arguments)                                                      \
    {GNU_HASH(#name), GNU_HASH(older), offsetof(struct ossl, name), presence, sizeof #name, sizeof(older)},
#define FITS(presence, result, name, older, arguments)                                                       \
    _Static_assert(sizeof #name <= GNU_HASH_LONGEST + 1 && sizeof(older) <= GNU_HASH_LONGEST + 1, #name);
static const char crypto_names[] = OSSL_CRYPTO_FUNCTIONS(NAMES);
static const struct place crypto_places[] = {OSSL_CRYPTO_FUNCTIONS(PLACE)};
OSSL_CRYPTO_FUNCTIONS(FITS)
static const char ssl_names[] = OSSL_SSL_FUNCTIONS(NAMES);
static const struct place ssl_places[] = {OSSL_SSL_FUNCTIONS(PLACE)};
OSSL_SSL_FUNCTIONS(FITS)
#undef NAMES
#undef PLACE
#undef FITS

static const char *fill(struct ossl *ossl, const struct functions *functions, ossl_find *find, void *context)
{
    const char *name = functions->names;
    for (size_t i = 0; i < functions->count; i++) {
        const struct place *place = &functions->places[i];
        const char *older = name + place->size;
        void *address = find(context, name, place->hash, place->size);
        if (address == NULL && older[0] != '\0')
            address = find(context, older, place->older_hash, place->older_size);
        if (address == NULL && place->presence == REQUIRED)
            return name;
        /* POSIX lets a function pointer be read back from void *, by its bytes. */
        memcpy((unsigned char *)ossl + place->offset, &address, sizeof address);
        name = older + place->older_size;
    }
    return NULL;
}

const char *ossl_fill_crypto(struct ossl *ossl, ossl_find *find, void *context)
{
    const struct functions functions = {crypto_names, crypto_places,
                                        sizeof crypto_places / sizeof *crypto_places};
    const char *missing = fill(ossl, &functions, find, context);
    if (missing != NULL)
        return missing;
    if (ossl->ERR_set_error != NULL && ossl->ERR_new != NULL && ossl->ERR_set_debug != NULL)
        return NULL;
    return ossl->ERR_put_error != NULL && ossl->ERR_add_error_data != NULL ? NULL : "ERR_set_error";
}

const char *ossl_fill_ssl(struct ossl *ossl, ossl_find *find, void *context)
{
    const struct functions functions = {ssl_names, ssl_places, sizeof ssl_places / sizeof *ssl_places};
    return fill(ossl, &functions, find, context);
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
