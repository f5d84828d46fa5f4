#include "policy/verify.h"

#include <stdlib.h>
#include <string.h>

/* The anchors as one OpenSSL keeps them: a process may have two. Newest first; never removed before the end.
 */
struct trust {
    const struct ossl *ossl;
    X509_STORE *store;
    struct trust *next;
};

static const struct trust *find_trust(const struct trust *trust, const struct ossl *ossl)
{
    while (trust != NULL && trust->ossl != ossl)
        trust = trust->next;
    return trust;
}

static bool add_certificate(const struct ossl *ossl, X509_STORE *store, const unsigned char *der, long length)
{
    X509 *certificate = ossl->d2i_X509(NULL, &der, length);
    bool added = certificate != NULL && ossl->X509_STORE_add_cert(store, certificate) == 1;
    ossl->X509_free(certificate);
    return added;
}

/* Adds the certificates of a PEM text, at most `limit` of them. */
static unsigned add_pem(const struct ossl *ossl, X509_STORE *store, const char *text, unsigned limit)
{
    char *name;
    char *header;
    unsigned char *data;
    long length;
    unsigned added = 0;
    BIO *bio = ossl->BIO_new_mem_buf(text, -1);
    if (bio == NULL)
        return 0;
    while (added < limit && ossl->PEM_read_bio(bio, &name, &header, &data, &length) == 1) {
        if (ossl_is_certificate_block(name))
            added += add_certificate(ossl, store, data, length);
        ossl->CRYPTO_free(name, __FILE__, __LINE__);
        ossl->CRYPTO_free(header, __FILE__, __LINE__);
        ossl->CRYPTO_free(data, __FILE__, __LINE__);
    }
    ossl->BIO_free(bio);
    return added;
}

static X509_STORE *make_store(const struct ossl *ossl, const struct anchors *anchors)
{
    X509_STORE *store = ossl->X509_STORE_new();
    if (store == NULL)
        return NULL;
    /* What cannot be read leaves the store without anchors, and nothing verifies. */
    if (anchors->file == NULL && anchors->path == NULL)
        ossl->X509_STORE_set_default_paths(store);
    if (anchors->file_text != NULL)
        add_pem(ossl, store, anchors->file_text, (unsigned)-1);
    if (anchors->path != NULL)
        ossl->X509_STORE_load_locations(store, NULL, anchors->path);
    return store;
}

/* The store of the anchors, made at the first use; NULL: memory is short. */
static X509_STORE *store_of(const struct ossl *ossl, struct anchors *anchors)
{
    struct trust *first = atomic_load_explicit(&anchors->trust, memory_order_acquire);
    const struct trust *known = find_trust(first, ossl);
    if (known != NULL)
        return known->store;
    struct trust *trust = malloc(sizeof *trust);
    if (trust == NULL)
        return NULL;
    *trust = (struct trust){ossl, make_store(ossl, anchors), first};
    if (trust->store == NULL) {
        free(trust);
        return NULL;
    }
    while (!atomic_compare_exchange_strong(&anchors->trust, &trust->next, trust)) {
        known = find_trust(trust->next, ossl);
        if (known != NULL) { /* another thread was faster */
            ossl->X509_STORE_free(trust->store);
            free(trust);
            return known->store;
        }
    }
    return trust->store;
}

void verify_forget(struct anchors *anchors)
{
    struct trust *trust = atomic_exchange(&anchors->trust, NULL);
    while (trust != NULL) {
        struct trust *next = trust->next;
        trust->ossl->X509_STORE_free(trust->store);
        free(trust);
        trust = next;
    }
}

static bool pins_certificate(const struct ossl *ossl, const struct policy *policy,
                             const struct pin_rule *rule, const X509 *certificate)
{
    struct pin pin;
    if (!ossl_pin_of_certificate(ossl, certificate, &pin))
        return false;
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct pin *pinned = policy_key_pin(policy, &rule->keys[i]);
        if (pinned != NULL && pin_equal(pinned, &pin))
            return true;
    }
    return false;
}

/* A context that verifies the leaf for a TLS server. NULL: memory is short. */
static X509_STORE_CTX *begin(const struct shown *shown, X509_STORE *store, unsigned long flags)
{
    const struct ossl *ossl = shown->ossl;
    X509_STORE_CTX *context = ossl->X509_STORE_CTX_new();
    if (context == NULL)
        return NULL;
    if (ossl->X509_STORE_CTX_init(context, store, shown->leaf, shown->sent) != 1 ||
        ossl->X509_STORE_CTX_set_default(context, "ssl_server") != 1) {
        ossl->X509_STORE_CTX_free(context);
        return NULL;
    }
    X509_VERIFY_PARAM *param = ossl->X509_STORE_CTX_get0_param(context);
    ossl->X509_VERIFY_PARAM_set_auth_level(param, shown->security_level);
    ossl->X509_VERIFY_PARAM_set_flags(param, flags);
    return context;
}

/* By the same parser that has compared it with its id. */
static bool add_record(const struct ossl *ossl, X509_STORE *store, struct records *records, const char *id)
{
    const char *text;
    size_t length;
    char why[STORE_WHY_SIZE];
    struct kept_text *held = records_hold_text(records, id, &text, &length);
    if (held == NULL)
        return false;
    struct record *record = record_parse(ossl, id, text, length, why, sizeof why);
    bool added = record != NULL && record_certificate_count(record) > 0 &&
                 ossl->X509_STORE_add_cert(store, record_certificate(record, 0)) == 1;
    record_free(record);
    records_release_text(held);
    return added;
}

/* The certificate that a key of a rule is, or names; its first, where there are several. */
static unsigned add_key(const struct ossl *ossl, X509_STORE *store, const struct policy *policy,
                        const struct key *key)
{
    if (key->kind == KEY_PEM)
        return add_pem(ossl, store, key->pem, 1);
    return key->kind == KEY_ID && policy->records != NULL &&
           add_record(ossl, store, policy->records, key->name);
}

/* The pinned certificates themselves as the only anchors: what the server appended cannot lead elsewhere. */
static bool verify_up_to_pinned(const struct shown *shown, const struct policy *policy,
                                const struct pin_rule *rule)
{
    const struct ossl *ossl = shown->ossl;
    unsigned anchors = 0;
    bool verified = false;
    X509_STORE *store = ossl->X509_STORE_new();
    if (store == NULL)
        return false;
    for (int i = 0; i < ossl_stack_count(ossl, shown->sent); i++) {
        X509 *certificate = ossl_stack_at(ossl, shown->sent, i);
        if (certificate != shown->leaf && pins_certificate(ossl, policy, rule, certificate))
            anchors += ossl->X509_STORE_add_cert(store, certificate) == 1;
    }
    for (size_t i = 0; i < rule->key_count; i++)
        anchors += add_key(ossl, store, policy, &rule->keys[i]);
    X509_STORE_CTX *context = anchors == 0 ? NULL : begin(shown, store, OSSL_V_FLAG_PARTIAL_CHAIN);
    if (context != NULL) {
        verified = ossl->X509_verify_cert(context) == 1;
        ossl->X509_STORE_CTX_free(context);
    }
    ossl->X509_STORE_free(store);
    return verified;
}

/* Anchors that were named may be of any kind; the default places hold roots. */
static unsigned long flags_of(const struct anchors *anchors)
{
    return anchors->file == NULL && anchors->path == NULL ? 0 : OSSL_V_FLAG_PARTIAL_CHAIN;
}

/* A pinned root that is not sent, as roots are not. */
static bool verify_through_pinned(const struct shown *shown, const struct policy *policy,
                                  const struct pin_rule *rule)
{
    const struct ossl *ossl = shown->ossl;
    bool found = false;
    X509_STORE *store = store_of(ossl, rule->anchors);
    X509_STORE_CTX *context = store == NULL ? NULL : begin(shown, store, flags_of(rule->anchors));
    if (context == NULL)
        return false;
    if (ossl->X509_verify_cert(context) == 1) {
        const X509_STACK *chain = ossl->X509_STORE_CTX_get0_chain(context);
        for (int i = 1; !found && i < ossl_stack_count(ossl, chain); i++)
            found = pins_certificate(ossl, policy, rule, ossl_stack_at(ossl, chain, i));
    }
    ossl->X509_STORE_CTX_free(context);
    return found;
}

bool verify_has_pinned_chain(const struct shown *shown, const struct policy *policy,
                             const struct pin_rule *rule)
{
    if (shown->leaf == NULL)
        return false;
    shown->ossl->ERR_set_mark();
    bool found = verify_up_to_pinned(shown, policy, rule) || verify_through_pinned(shown, policy, rule);
    shown->ossl->ERR_pop_to_mark();
    return found;
}

/* The bytes of an address as a certificate has them; 4 or 16. */
static const unsigned char *address_bytes(const struct domain *address, size_t *length)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    const unsigned char *bytes = (const unsigned char *)address->text;
    *length = memcmp(bytes, mapped, sizeof mapped) == 0 ? 4 : 16;
    return bytes + (16 - *length);
}

static bool ask_for_name(const struct ossl *ossl, X509_VERIFY_PARAM *param, const struct domain *name)
{
    size_t length;
    if (name->kind == DOMAIN_NAME)
        return ossl->X509_VERIFY_PARAM_set1_host(param, name->text, name->length) == 1;
    if (name->kind != DOMAIN_ADDRESS)
        return false;
    const unsigned char *bytes = address_bytes(name, &length);
    return ossl->X509_VERIFY_PARAM_set1_ip(param, bytes, length) == 1;
}

int verify_chain_and_name(const struct shown *shown, const struct pin_rule *rule, const struct domain *name)
{
    const struct ossl *ossl = shown->ossl;
    int error = OSSL_V_ERR_OUT_OF_MEM;
    if (shown->leaf == NULL)
        return OSSL_V_ERR_UNSPECIFIED;
    ossl->ERR_set_mark();
    X509_STORE *store = store_of(ossl, rule->anchors);
    X509_STORE_CTX *context = store == NULL ? NULL : begin(shown, store, flags_of(rule->anchors));
    if (context != NULL) {
        if (!ask_for_name(ossl, ossl->X509_STORE_CTX_get0_param(context), name))
            error = OSSL_V_ERR_HOSTNAME_MISMATCH;
        else if (ossl->X509_verify_cert(context) == 1)
            error = OSSL_V_OK;
        else
            error = ossl->X509_STORE_CTX_get_error(context);
        /* A failure that has no number. */
        if (error == OSSL_V_OK && ossl->X509_STORE_CTX_get0_chain(context) == NULL)
            error = OSSL_V_ERR_UNSPECIFIED;
        ossl->X509_STORE_CTX_free(context);
    }
    ossl->ERR_pop_to_mark();
    return error;
}

bool verify_name(const struct ossl *ossl, X509 *leaf, const struct domain *name, unsigned flags)
{
    size_t length;
    bool matches = false;
    ossl->ERR_set_mark();
    if (name->kind == DOMAIN_NAME) {
        matches = ossl->X509_check_host(leaf, name->text, name->length, flags, NULL) == 1;
    } else if (name->kind == DOMAIN_ADDRESS) {
        const unsigned char *bytes = address_bytes(name, &length);
        matches = ossl->X509_check_ip(leaf, bytes, length, flags) == 1;
    }
    ossl->ERR_pop_to_mark();
    return matches;
}
