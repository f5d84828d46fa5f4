#include "preload/proof.h"

#include "policy/verify.h"
#include "preload/connection.h"
#include "preload/remembered.h"

/*
 * The pins that records of the store give a rule now: once one of them is gone, what it has proved does not
 * count any more. All zero, where there are none.
 */
static bool digest_records(const struct showing *showing, const struct pin_rule *rule,
                           unsigned char digest[PIN_BYTES])
{
    const struct policy *policy = showing->snapshot->policy;
    for (size_t i = 0; policy->records != NULL && i < rule->key_count; i++) {
        const struct pin *pin = rule->keys[i].kind == KEY_ID ? policy_key_pin(policy, &rule->keys[i]) : NULL;
        if (pin == NULL)
            continue;
        const struct piece pieces[] = {{digest, PIN_BYTES}, {pin->sha256, PIN_BYTES}};
        if (!ossl_sha256(&showing->libssl->fn, pieces, sizeof pieces / sizeof *pieces, digest))
            return false;
    }
    return true;
}

static bool make_fact(const struct showing *showing, enum fact_kind kind, const struct pin_rule *rule,
                      const struct domain *name, struct fact *fact)
{
    const struct ossl *ossl = &showing->libssl->fn;
    unsigned char *der = NULL;
    int length = ossl->i2d_X509(showing->leaf, &der);
    if (length <= 0 || der == NULL)
        return false;
    unsigned char records[PIN_BYTES] = {0};
    const struct piece pieces[] = {{&name->kind, sizeof name->kind},
                                   {name->text, name->length},
                                   {records, sizeof records},
                                   {der, (size_t)length}};
    fact->kind = kind;
    fact->policy = showing->snapshot->number;
    fact->rule = rule;
    bool made = (kind != FACT_CHAIN || digest_records(showing, rule, records)) &&
                ossl_sha256(ossl, pieces, sizeof pieces / sizeof *pieces, fact->digest);
    ossl->CRYPTO_free(der, __FILE__, __LINE__);
    return made;
}

/* Before the end of a handshake the server has not proved its key yet. Where memory is short, it is
 * forgotten. */
static void note(const struct showing *showing, const struct fact *fact)
{
    if (showing->done) {
        remembered_add(fact);
        return;
    }
    struct connection *connection = connection_make(showing->libssl, showing->ssl);
    if (connection != NULL)
        connection_note_fact(connection, fact);
}

static struct shown shown_by(const struct showing *showing)
{
    const struct ossl *ossl = &showing->libssl->fn;
    return (struct shown){ossl, showing->leaf, showing->sent, ossl->SSL_get_security_level(showing->ssl)};
}

static bool chain(void *context, const struct pin_rule *rule)
{
    static const struct domain no_name = {.kind = DOMAIN_ALL};
    const struct showing *showing = context;
    struct shown shown = shown_by(showing);
    struct fact fact;
    if (showing->leaf == NULL || !make_fact(showing, FACT_CHAIN, rule, &no_name, &fact))
        return false;
    if (showing->resumed)
        return remembered_has(&fact);
    bool holds = verify_has_pinned_chain(&shown, showing->snapshot->policy, rule);
    if (holds)
        note(showing, &fact);
    return holds;
}

static int require(void *context, const struct pin_rule *rule, const struct domain *name)
{
    const struct showing *showing = context;
    struct shown shown = shown_by(showing);
    struct fact fact;
    if (showing->leaf == NULL || !make_fact(showing, FACT_VERIFIED, rule, name, &fact))
        return JUDGE_UNVERIFIED;
    if (showing->resumed)
        return remembered_has(&fact) ? OSSL_V_OK : JUDGE_UNVERIFIED;
    int error = verify_chain_and_name(&shown, rule, name);
    if (error == OSSL_V_OK)
        note(showing, &fact);
    return error;
}

struct proof proof_for(const struct showing *showing)
{
    return (struct proof){chain, require, (void *)(uintptr_t)showing};
}
