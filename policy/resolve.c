#include "policy/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands in one PEM block. */
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

static const char *pin_of_certificate(const struct ossl *ossl, const struct block *block, struct pin *pin)
{
    const unsigned char *in = block->data;
    X509 *certificate = ossl->d2i_X509(NULL, &in, block->length);
    bool done = certificate != NULL && ossl_pin_of_certificate(ossl, certificate, pin);
    ossl->X509_free(certificate);
    return done ? NULL : "a certificate that does not parse; allowed is an X.509 certificate in PEM";
}

/* Not whether OpenSSL could use the key: that depends on the providers that the host has loaded. */
static const char *pin_of_public_key(const struct ossl *ossl, const struct block *block, struct pin *pin)
{
    const unsigned char *in = block->data;
    X509_PUBKEY *key = ossl->d2i_X509_PUBKEY(NULL, &in, block->length);
    bool done = key != NULL && in == block->data + block->length && ossl_pin_of_key(ossl, key, pin);
    ossl->X509_PUBKEY_free(key);
    return done ? NULL : "a public key that does not parse; allowed is what 'openssl pkey -pubout' writes";
}

/*
 * The pin of the first certificate or public key in a text. NULL: found; else what is wrong. A chain of
 * certificates is allowed, its first is the one that is meant; of several public keys none is.
 */
static const char *pin_of_pem(const struct ossl *ossl, const char *pem, struct pin *pin)
{
    const char *fault = "no PEM block that can be read; allowed is a PUBLIC KEY or a CERTIFICATE";
    bool found = false;
    bool public_key = false;
    BIO *bio = ossl->BIO_new_mem_buf(pem, -1);
    if (bio == NULL)
        return "not enough memory";
    struct block block;
    while (memset(&block, 0, sizeof block),
           ossl->PEM_read_bio(bio, &block.name, &block.header, &block.data, &block.length) == 1) {
        bool is_public = strcmp(block.name, "PUBLIC KEY") == 0;
        if (!found && ossl_is_certificate_block(block.name))
            fault = pin_of_certificate(ossl, &block, pin);
        else if (!found && is_public)
            fault = pin_of_public_key(ossl, &block, pin);
        else if (!found)
            fault = "a PEM block of another kind; allowed is a PUBLIC KEY or a CERTIFICATE";
        else if (is_public || public_key)
            fault = "several blocks, of which one is a public key; write one key in each file";
        public_key = public_key || is_public;
        found = true;
        free_block(ossl, &block);
        if (fault != NULL)
            break;
    }
    /* The end of the text, or a block that is damaged? The reason is in the low bits in every line. */
    if (found && fault == NULL && (ossl->ERR_peek_last_error() & 0xfff) != OSSL_PEM_R_NO_START_LINE)
        fault = "a PEM block that is damaged, behind one that is not; allowed is one key in each file";
    ossl->BIO_free(bio);
    return fault;
}

/* NULL: `pins` holds them all. Else what is wrong with the key `*bad` of the rule `*at`. */
static const char *resolve_all(const struct policy *policy, const struct ossl *ossl, struct pin *pins,
                               const struct pin_rule **at, const struct key **bad)
{
    for (size_t i = 0; i < policy->pin_rule_count; i++) {
        const struct pin_rule *rule = policy->pin_rules[i];
        for (size_t k = 0; k < rule->key_count; k++) {
            const struct key *key = &rule->keys[k];
            const char *fault =
                key->kind == KEY_PEM ? pin_of_pem(ossl, key->pem, &pins[key->pem_number]) : NULL;
            if (fault != NULL) {
                *at = rule;
                *bad = key;
                return fault;
            }
        }
    }
    return NULL;
}

bool policy_resolve(struct policy *policy, const struct ossl *ossl, char *why, size_t size)
{
    const struct pin_rule *at = NULL;
    const struct key *bad = NULL;
    if (policy_is_resolved(policy))
        return true;
    struct pin *pins = calloc(policy->pem_count + 1, sizeof *pins);
    if (pins == NULL) {
        snprintf(why, size, "%s: there is not enough memory to read its keys", policy->path);
        return false;
    }
    ossl->ERR_set_mark();
    const char *fault = resolve_all(policy, ossl, pins, &at, &bad);
    ossl->ERR_pop_to_mark();
    struct pin *none = NULL;
    if (fault != NULL)
        snprintf(why, size, "%s:%u: keys: \"%s\" holds %s", at->source.file, at->source.line, bad->name,
                 fault);
    /* Another thread may have been faster: then its pins, which are the same, are there. */
    if (fault != NULL || !atomic_compare_exchange_strong(&policy->pem_pins, &none, pins))
        free(pins);
    return fault == NULL;
}
