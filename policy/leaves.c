#include "policy/leaves.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "policy/expiry.h"
#include "policy/policy.h"

/* Powers of two. Each place holds some 3 kB in OpenSSL. */
enum { PLACES = 64, PROBES = 4 };

struct leaves {
    _Atomic(struct leaf *) places[PLACES];
};

/* Where to begin to look: by the serial number, of which the end differs most. No more than a hint. */
static unsigned place_of(const struct ossl *ossl, const X509 *certificate)
{
    const ASN1_STRING *serial = (const ASN1_STRING *)ossl->X509_get0_serialNumber(certificate);
    int length = ossl->ASN1_STRING_length(serial);
    const unsigned char *bytes = ossl->ASN1_STRING_get0_data(serial);
    return length > 0 ? bytes[length - 1] % PLACES : 0;
}

static struct leaf *leaf_at(const struct leaves *leaves, unsigned first, unsigned probe)
{
    return atomic_load_explicit(&leaves->places[(first + probe) % PLACES], memory_order_acquire);
}

static bool is_of(const struct leaf *leaf, const struct ossl *ossl, const X509 *certificate)
{
    return leaf->ossl == ossl && ossl->X509_cmp(leaf->copy, certificate) == 0;
}

const struct leaf *leaves_find(const struct policy *policy, const struct ossl *ossl, const X509 *certificate)
{
    const struct leaves *leaves = atomic_load_explicit(&policy->leaves, memory_order_acquire);
    if (leaves == NULL)
        return NULL;
    const struct leaf *found = NULL;
    const struct leaf *leaf;
    unsigned first = place_of(ossl, certificate);
    ossl->ERR_set_mark();
    for (unsigned i = 0; i < PROBES && found == NULL && (leaf = leaf_at(leaves, first, i)) != NULL; i++) {
        if (is_of(leaf, ossl, certificate))
            found = leaf;
    }
    ossl->ERR_pop_to_mark();
    return found;
}

static void discard(struct leaf *leaf)
{
    if (leaf != NULL)
        leaf->ossl->X509_free(leaf->copy);
    free(leaf);
}

static X509 *copy_of(const struct ossl *ossl, const X509 *certificate)
{
    unsigned char *der = NULL;
    int length = ossl->i2d_X509(certificate, &der);
    const unsigned char *from = der;
    X509 *copy = length <= 0 || der == NULL ? NULL : ossl->d2i_X509(NULL, &from, length);
    ossl->CRYPTO_free(der, __FILE__, __LINE__);
    return copy;
}

/* All of it is of the copy, which nobody changes. NULL: memory is short, or it has no pin. */
static struct leaf *make(const struct ossl *ossl, const X509 *certificate)
{
    struct leaf *leaf = calloc(1, sizeof *leaf);
    if (leaf == NULL)
        return NULL;
    leaf->ossl = ossl;
    leaf->copy = copy_of(ossl, certificate);
    if (leaf->copy != NULL && ossl_pin_of_certificate(ossl, leaf->copy, &leaf->pin)) {
        leaf->has_end = expiry_time(ossl, ossl->X509_get0_notAfter(leaf->copy), &leaf->not_after);
        return leaf;
    }
    discard(leaf);
    return NULL;
}

/* The first call makes the table, and no more. NULL: there is none yet. */
static struct leaves *table_of(struct policy *policy)
{
    struct leaves *leaves = atomic_load_explicit(&policy->leaves, memory_order_acquire);
    if (leaves != NULL)
        return leaves;
    struct leaves *made = calloc(1, sizeof *made);
    if (made != NULL && !atomic_compare_exchange_strong(&policy->leaves, &leaves, made))
        free(made);
    return NULL;
}

/* Where another thread was faster with the same certificate, its stays. */
static void put(struct leaves *leaves, unsigned first, struct leaf *leaf)
{
    for (unsigned i = 0; i < PROBES; i++) {
        struct leaf *none = NULL;
        if (atomic_compare_exchange_strong(&leaves->places[(first + i) % PLACES], &none, leaf))
            return;
        if (is_of(none, leaf->ossl, leaf->copy))
            break;
    }
    discard(leaf);
}

void leaves_remember(struct policy *policy, const struct ossl *ossl, const X509 *certificate)
{
    struct leaves *leaves = table_of(policy);
    if (leaves == NULL)
        return;
    unsigned first = place_of(ossl, certificate);
    unsigned free_probe = 0;
    while (free_probe < PROBES && leaf_at(leaves, first, free_probe) != NULL)
        free_probe++;
    if (free_probe == PROBES || leaves_find(policy, ossl, certificate) != NULL)
        return;
    ossl->ERR_set_mark();
    struct leaf *leaf = make(ossl, certificate);
    if (leaf != NULL)
        put(leaves, first, leaf);
    ossl->ERR_pop_to_mark();
}

void leaves_free(struct leaves *leaves)
{
    for (unsigned i = 0; leaves != NULL && i < PLACES; i++)
        discard(leaf_at(leaves, i, 0));
    free(leaves);
}
