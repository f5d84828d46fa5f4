#include "policy/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/expiry.h"
#include "policy/text.h"

static enum credential_fault fault_of(enum record_key_result result)
{
    static const enum credential_fault faults[] = {
        [RECORD_KEY_READ] = CREDENTIAL_READY,          [RECORD_KEY_NONE] = CREDENTIAL_NO_KEY,
        [RECORD_KEY_NO_SECRET] = CREDENTIAL_NO_SECRET, [RECORD_KEY_WRONG_SECRET] = CREDENTIAL_WRONG_SECRET,
        [RECORD_KEY_BROKEN] = CREDENTIAL_KEY_BROKEN,   [RECORD_KEY_UNSUPPORTED] = CREDENTIAL_UNSUPPORTED,
        [RECORD_KEY_NO_MEMORY] = CREDENTIAL_NO_MEMORY,
    };
    return faults[result];
}

/* Where a CA changes its key, the new one is signed by the old one, which has the same name. */
static bool is_self_signed(const struct ossl *ossl, X509 *x)
{
    EVP_PKEY *key = ossl->X509_PUBKEY_get0(ossl->X509_get_X509_PUBKEY(x));
    return ossl->X509_NAME_cmp(ossl->X509_get_subject_name(x), ossl->X509_get_issuer_name(x)) == 0 &&
           key != NULL && ossl->X509_verify(x, key) == 1;
}

/* A server has its roots; that the record has them too is for those who read it. The leaf is no root. */
static bool take_chain(const struct ossl *ossl, struct credential_made *made)
{
    const struct record *record = made->record;
    size_t count = record_certificate_count(record) - 1;
    while (count > 0 && is_self_signed(ossl, record_certificate(record, count)))
        count--;
    X509 **chain = calloc(count + 1, sizeof(X509 *));
    if (chain == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        chain[i] = record_certificate(record, i + 1);
    made->credential.chain = chain;
    made->credential.chain_count = count;
    return true;
}

static bool take_fingerprint(const struct ossl *ossl, struct credential *credential)
{
    unsigned char *der = NULL;
    int length = ossl->i2d_X509(credential->leaf, &der);
    if (length <= 0 || der == NULL)
        return false;
    const struct piece piece = {der, (size_t)length};
    bool done = ossl_sha256(ossl, &piece, 1, credential->fingerprint);
    ossl->CRYPTO_free(der, __FILE__, __LINE__);
    return done;
}

static bool take_validity(const struct ossl *ossl, struct credential *credential)
{
    return expiry_time(ossl, ossl->X509_get0_notBefore(credential->leaf), &credential->not_before) &&
           expiry_time(ossl, ossl->X509_get0_notAfter(credential->leaf), &credential->not_after);
}

/* Such a text is whole, and only in another order. */
static void say_owner(const struct credential_source *source, const struct record *record, char *why)
{
    size_t owner = record_key_owner(source->ossl, record, source->secret);
    if (owner < record_certificate_count(record))
        snprintf(why, CREDENTIAL_WHY_SIZE, RECORD_KEY_OF_ANOTHER, record_certificate_line(record, owner));
}

static enum credential_fault take(const struct credential_source *source, struct credential_made *made,
                                  char *why)
{
    const struct ossl *ossl = source->ossl;
    struct credential *credential = &made->credential;
    if (record_certificate_count(made->record) == 0)
        return CREDENTIAL_NO_CERTIFICATE;
    credential->leaf = record_certificate(made->record, 0);
    if (!take_validity(ossl, credential)) {
        snprintf(why, CREDENTIAL_WHY_SIZE, "the time in which its certificate is valid cannot be read");
        return CREDENTIAL_REFUSED;
    }
    if (!take_chain(ossl, made) || !take_fingerprint(ossl, credential))
        return CREDENTIAL_NO_MEMORY;
    enum record_key_result result = record_private_key(ossl, made->record, source->secret, &credential->key);
    if (result == RECORD_KEY_BROKEN && record_certificate_count(made->record) > 1)
        say_owner(source, made->record, why);
    record_forget_private_key(made->record);
    return fault_of(result);
}

enum credential_fault credential_make(const struct credential_source *source, struct credential_made *made,
                                      char *why)
{
    const struct ossl *ossl = source->ossl;
    enum credential_fault fault = CREDENTIAL_REFUSED;
    *made = (struct credential_made){.ossl = ossl};
    ossl->ERR_set_mark();
    made->record = record_parse(ossl, source->id, source->text, source->length, why, CREDENTIAL_WHY_SIZE);
    if (made->record != NULL)
        fault = take(source, made, why);
    ossl->ERR_pop_to_mark();
    if (fault != CREDENTIAL_READY)
        credential_clear(made);
    return fault;
}

void credential_clear(struct credential_made *made)
{
    if (made->ossl == NULL)
        return;
    made->ossl->EVP_PKEY_free(made->credential.key);
    free((void *)made->credential.chain);
    record_free(made->record);
    *made = (struct credential_made){0};
}

/* What a record, or a file, is like; and what to do. */
static const char *words_of(enum credential_fault fault)
{
    switch (fault) {
    case CREDENTIAL_NO_CERTIFICATE:
        return "is a public key; give a certificate with its private key";
    case CREDENTIAL_NO_KEY:
        return "has no private key; give the certificate with its private key behind it";
    case CREDENTIAL_NO_SECRET:
        return "has a private key that is encrypted, and there is no secret to read it with";
    case CREDENTIAL_WRONG_SECRET:
        return "has a private key that cannot be decrypted: the secret is wrong";
    case CREDENTIAL_KEY_BROKEN:
        return "has a private key that is damaged, or belongs to another certificate; give the certificate "
               "with its own key";
    case CREDENTIAL_UNSUPPORTED:
        return "has a private key of a kind, or encrypted in a way, that this OpenSSL cannot read";
    default:
        return "cannot be used: there is not enough memory";
    }
}

static void say_secret(const struct policy *policy, enum credential_fault fault, char *text, size_t size)
{
    const char *setting = "'private_certificate_encoding_secret_file' in the section 'security'";
    text[0] = '\0';
    if (fault == CREDENTIAL_NO_SECRET && policy->secret_from == NULL)
        snprintf(text, size, "; set %s", setting);
    else if (fault == CREDENTIAL_NO_SECRET)
        snprintf(text, size, "; see to it that what %.150s names can be read", policy->secret_from);
    else if (fault == CREDENTIAL_WRONG_SECRET)
        snprintf(text, size, "; give the one that it was encrypted with (%.150s)", policy->secret_from);
}

void credential_say(const struct policy *policy, const struct candidate *candidate,
                    enum credential_fault fault, const char *detail, char *why)
{
    char place[512];
    char secret[256];
    size_t used = 0;
    if (candidate->kind == CANDIDATE_ID) {
        store_name(&policy->store, place, 128);
        used = strlen(place);
        snprintf(place + used, sizeof place - used, ": the record");
    } else {
        snprintf(place, sizeof place, "%.500s", candidate->name);
    }
    say_secret(policy, fault, secret, sizeof secret);
    if (fault == CREDENTIAL_REFUSED)
        snprintf(why, CREDENTIAL_WHY_SIZE, "%s cannot be used: %.400s", place, detail);
    else if (fault == CREDENTIAL_KEY_BROKEN && detail[0] != '\0')
        snprintf(why, CREDENTIAL_WHY_SIZE, "%s %.400s", place, detail);
    else
        snprintf(why, CREDENTIAL_WHY_SIZE, "%s %s%s", place, words_of(fault), secret);
    text_for_terminal(why);
}
