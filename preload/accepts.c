#include "preload/accepts.h"

#include <string.h>

#include "policy/policy.h"

/* Of certificates, before TLS 1.2. */
#define TYPE_RSA   1
#define TYPE_DSA   2
#define TYPE_ECDSA 64

/* What is asked of one key. */
struct candidate_key {
    int type; /* its NID */
    int bits;
    bool tls_1_3;
    const X509 *leaf;
};

/* Curves, by the number of the signature algorithm that TLS 1.3 binds to them. RFC 8446, 4.2.3; RFC 8734. */
static const struct {
    unsigned algorithm;
    unsigned char length;
    const char *oid; /* its content */
} curves[] = {
    {0x0403, 8, "\x2a\x86\x48\xce\x3d\x03\x01\x07"},
    {0x0503, 5, "\x2b\x81\x04\x00\x22"},
    {0x0603, 5, "\x2b\x81\x04\x00\x23"},
    {0x081a, 9, "\x2b\x24\x03\x03\x02\x08\x01\x01\x07"},
    {0x081b, 9, "\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"},
    {0x081c, 9, "\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"},
};

/* The curve that a key names as its parameters (RFC 5480, 2.1.1); NULL: none. */
static const ASN1_OBJECT *curve_of(const struct ossl *ossl, const X509 *leaf)
{
    X509_ALGOR *algorithm = NULL;
    const void *value = NULL;
    int type = 0;
    if (ossl->X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, ossl->X509_get_X509_PUBKEY(leaf)) != 1)
        return NULL;
    ossl->X509_ALGOR_get0(NULL, &type, &value, algorithm);
    return type == OSSL_TYPE_OBJECT ? value : NULL;
}

static bool has_curve_of(const struct ossl *ossl, const struct candidate_key *key, unsigned algorithm)
{
    const ASN1_OBJECT *curve = curve_of(ossl, key->leaf);
    for (size_t i = 0; curve != NULL && i < sizeof curves / sizeof *curves; i++) {
        if (curves[i].algorithm == algorithm)
            return ossl->OBJ_length(curve) == curves[i].length &&
                   memcmp(ossl->OBJ_get0_data(curve), curves[i].oid, curves[i].length) == 0;
    }
    return false;
}

/* rsa_pss_rsae_* and rsa_pss_pss_*: the encoding takes twice the hash and two bytes (RFC 8017, 9.1.1). */
static bool is_long_enough(const struct candidate_key *key, unsigned algorithm)
{
    int hash = algorithm == 0x0804 || algorithm == 0x0809   ? 32
               : algorithm == 0x0805 || algorithm == 0x080a ? 48
                                                            : 64;
    return key->bits / 8 >= 2 * hash + 2;
}

static bool may_sign(const struct ossl *ossl, const struct candidate_key *key, unsigned algorithm)
{
    bool is_sha1_or_sha224 = algorithm >> 8 == 2 || algorithm >> 8 == 3;
    unsigned signature = algorithm & 0xff; /* up to TLS 1.2, and what TLS 1.3 takes over: rsa, dsa, ecdsa */
    bool is_pair = algorithm >> 8 >= 1 && algorithm >> 8 <= 6;
    switch (key->type) {
    case OSSL_NID_RSA:
        return (is_pair && signature == 1 && !key->tls_1_3) ||
               (algorithm >= 0x0804 && algorithm <= 0x0806 && is_long_enough(key, algorithm));
    case OSSL_NID_RSA_PSS:
        return algorithm >= 0x0809 && algorithm <= 0x080b && is_long_enough(key, algorithm);
    case OSSL_NID_DSA:
        return is_pair && signature == 2 && !key->tls_1_3;
    case OSSL_NID_EC:
        return key->tls_1_3 ? !is_sha1_or_sha224 && has_curve_of(ossl, key, algorithm)
                            : is_pair && signature == 3;
    case OSSL_NID_ED25519:
        return algorithm == 0x0807;
    case OSSL_NID_ED448:
        return algorithm == 0x0808;
    default:
        return true; /* OpenSSL knows */
    }
}

static bool is_type_accepted(const struct libssl *libssl, SSL *ssl, int type)
{
    const unsigned char *types = NULL;
    long count = libssl->fn.SSL_ctrl(ssl, OSSL_CTRL_GET_CLIENT_CERT_TYPES, 0, &types);
    unsigned char wanted = type == OSSL_NID_RSA   ? TYPE_RSA
                           : type == OSSL_NID_DSA ? TYPE_DSA
                           : type == OSSL_NID_EC  ? TYPE_ECDSA
                                                  : 0;
    return count <= 0 || types == NULL || (wanted != 0 && memchr(types, wanted, (size_t)count) != NULL);
}

bool accepts_key(const struct libssl *libssl, SSL *ssl, const X509 *leaf, const EVP_PKEY *key)
{
    const struct ossl *ossl = &libssl->fn;
    enum tls_version version = tls_version_of(ossl->SSL_version(ssl));
    const struct candidate_key asked = {ossl->EVP_PKEY_get_id(key), ossl->EVP_PKEY_get_bits(key),
                                        version == TLS_1_3, leaf};
    unsigned char signature;
    unsigned char hash;
    if (version < TLS_1_2)
        return is_type_accepted(libssl, ssl, asked.type);
    int count = ossl->SSL_get_shared_sigalgs(ssl, 0, NULL, NULL, NULL, &signature, &hash);
    for (int i = 0; i < count; i++) {
        ossl->SSL_get_shared_sigalgs(ssl, i, NULL, NULL, NULL, &signature, &hash);
        if (may_sign(ossl, &asked, (unsigned)hash << 8 | signature))
            return true;
    }
    return count <= 0;
}
