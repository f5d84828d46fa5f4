#include "cli/key_type.h"

#include <stdio.h>

enum { TYPE_OBJECT = 6 }; /* V_ASN1_OBJECT */

/* 0: not known, as this OpenSSL cannot decode the key. */
static int bits_of(const struct crypto *crypto, const X509_PUBKEY *key)
{
    const EVP_PKEY *decoded = crypto->ossl.X509_PUBKEY_get0(key);
    return decoded == NULL ? 0 : crypto->ossl.EVP_PKEY_get_bits(decoded);
}

static void with_bits(const struct crypto *crypto, const X509_PUBKEY *key, const char *name,
                      char text[KEY_TYPE_SIZE])
{
    int bits = bits_of(crypto, key);
    if (bits > 0)
        snprintf(text, KEY_TYPE_SIZE, "%s-%d", name, bits);
    else
        snprintf(text, KEY_TYPE_SIZE, "%s", name);
}

/* The name of the curve is a parameter of the algorithm; parameters that spell it out have none. */
static void with_curve(const struct crypto *crypto, const X509_ALGOR *algorithm, char text[KEY_TYPE_SIZE])
{
    int type = 0;
    const void *value = NULL;
    crypto->X509_ALGOR_get0(NULL, &type, &value, algorithm);
    int nid = type == TYPE_OBJECT ? crypto->OBJ_obj2nid(value) : 0;
    const char *name = nid == 0 ? NULL : crypto->EC_curve_nid2nist(nid);
    if (name == NULL && nid != 0)
        name = crypto->OBJ_nid2sn(nid);
    snprintf(text, KEY_TYPE_SIZE, name == NULL ? "EC" : "EC-%s", name);
}

static void by_name(const struct crypto *crypto, const ASN1_OBJECT *object, int nid, char text[KEY_TYPE_SIZE])
{
    const char *name = nid == 0 ? NULL : crypto->OBJ_nid2ln(nid);
    if (name != NULL)
        snprintf(text, KEY_TYPE_SIZE, "%s", name);
    else if (crypto->OBJ_obj2txt(text, KEY_TYPE_SIZE, object, 1) <= 0)
        snprintf(text, KEY_TYPE_SIZE, "unknown");
}

void key_type_format(const struct crypto *crypto, const X509_PUBKEY *key, char text[KEY_TYPE_SIZE])
{
    ASN1_OBJECT *object = NULL;
    X509_ALGOR *algorithm = NULL;
    if (crypto->X509_PUBKEY_get0_param(&object, NULL, NULL, &algorithm, key) != 1) {
        snprintf(text, KEY_TYPE_SIZE, "unknown");
        return;
    }
    int nid = crypto->OBJ_obj2nid(object);
    switch (nid) {
    case OSSL_NID_RSA:
        with_bits(crypto, key, "RSA", text);
        break;
    case OSSL_NID_RSA_PSS:
        with_bits(crypto, key, "RSA-PSS", text);
        break;
    case OSSL_NID_DSA:
        with_bits(crypto, key, "DSA", text);
        break;
    case OSSL_NID_EC:
        with_curve(crypto, algorithm, text);
        break;
    case OSSL_NID_ED25519:
        snprintf(text, KEY_TYPE_SIZE, "Ed25519");
        break;
    case OSSL_NID_ED448:
        snprintf(text, KEY_TYPE_SIZE, "Ed448");
        break;
    default:
        by_name(crypto, object, nid, text);
        break;
    }
}
