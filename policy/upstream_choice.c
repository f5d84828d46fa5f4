/* The choice among the candidates of a rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text.h"
#include "policy/upstream.h"

struct choosing {
    const struct upstream_demand *demand;
    struct upstream_choice *choice;
};

static bool is_named(const struct upstream_demand *demand, const X509 *x)
{
    const struct ossl *ossl = demand->ossl;
    const OPENSSL_STACK *names = (const OPENSSL_STACK *)demand->names;
    const X509_NAME *issuer = ossl->X509_get_issuer_name(x);
    for (int i = 0; i < ossl->OPENSSL_sk_num(names); i++) {
        if (ossl->X509_NAME_cmp(issuer, ossl->OPENSSL_sk_value(names, i)) == 0)
            return true;
    }
    return false;
}

/* One of the CA names issued the leaf, or a certificate of its chain. */
static bool is_issued(const struct upstream_demand *demand, const struct credential *credential)
{
    if (demand->names == NULL)
        return false;
    if (is_named(demand, credential->leaf))
        return true;
    for (size_t i = 0; i < credential->chain_count; i++) {
        if (is_named(demand, credential->chain[i]))
            return true;
    }
    return false;
}

static bool is_accepted(const struct upstream_demand *demand, const struct credential *credential)
{
    return demand->accepts == NULL || demand->accepts(demand->context, credential);
}

/* Both ends are part of the time (RFC 5280, 4.1.2.5). */
static bool is_valid(const struct upstream_demand *demand, const struct credential *credential)
{
    return credential->not_before <= (int64_t)demand->now && (int64_t)demand->now <= credential->not_after;
}

/* rsa_pss_*_sha512 takes twice the hash and two bytes (RFC 8017, 9.1.1). 0: it is no RSA key, or long enough.
 */
static int short_bits_of(const struct ossl *ossl, const EVP_PKEY *key)
{
    enum { LONG_ENOUGH = 8 * (2 * 64 + 2) };
    int type = ossl->EVP_PKEY_get_id(key);
    int bits = ossl->EVP_PKEY_get_bits(key);
    return (type == OSSL_NID_RSA || type == OSSL_NID_RSA_PSS) && bits < LONG_ENOUGH ? bits : 0;
}

typedef bool test(const struct upstream_demand *demand, const struct credential *credential);

/*
 * Of those that are left, those that fail go, with this verdict. `if_any`: only if others pass. Each of the
 * tests is made once, for they may ask OpenSSL.
 */
static void sift(const struct choosing *choosing, test *passes, enum upstream_verdict verdict, bool if_any)
{
    struct upstream_choice *choice = choosing->choice;
    size_t passed = 0;
    for (size_t i = 0; i < choice->count; i++) {
        struct upstream_considered *item = &choice->items[i];
        if (item->verdict != UPSTREAM_CHOSEN)
            continue;
        if (passes(choosing->demand, item->credential))
            passed++;
        else
            item->verdict = verdict;
        if (item->verdict == UPSTREAM_NOT_ACCEPTED)
            item->short_bits = short_bits_of(choosing->demand->ossl, item->credential->key);
    }
    for (size_t i = 0; if_any && passed == 0 && i < choice->count; i++) {
        if (choice->items[i].verdict == verdict)
            choice->items[i].verdict = UPSTREAM_CHOSEN;
    }
}

static void take_last_to_end(struct upstream_choice *choice)
{
    struct upstream_considered *best = NULL;
    for (size_t i = 0; i < choice->count; i++) {
        struct upstream_considered *item = &choice->items[i];
        if (item->verdict != UPSTREAM_CHOSEN)
            continue;
        if (best != NULL && item->credential->not_after <= best->credential->not_after) {
            item->verdict = UPSTREAM_ENDS_EARLIER;
            continue;
        }
        if (best != NULL)
            best->verdict = UPSTREAM_ENDS_EARLIER;
        best = item;
    }
    choice->chosen = best;
}

static void consider(const struct policy *policy, const struct upstream_demand *demand,
                     const struct candidate *candidate, struct upstream_considered *item)
{
    char why[CREDENTIAL_WHY_SIZE];
    *item = (struct upstream_considered){.candidate = candidate, .now = demand->now};
    item->credential = credential_acquire(policy, demand->ossl, candidate, &item->fault, why);
    item->verdict = item->credential == NULL ? UPSTREAM_UNUSABLE : UPSTREAM_CHOSEN;
    if (item->credential == NULL)
        item->why = strdup(why);
}

bool upstream_choose(const struct policy *policy, const struct upstream_rule *rule,
                     const struct upstream_demand *demand, struct upstream_choice *choice)
{
    const struct choosing choosing = {demand, choice};
    *choice = (struct upstream_choice){.items = calloc(rule->candidate_count, sizeof *choice->items)};
    if (choice->items == NULL)
        return false;
    choice->count = rule->candidate_count;
    for (size_t i = 0; i < choice->count; i++)
        consider(policy, demand, &rule->candidates[i], &choice->items[i]);
    sift(&choosing, is_issued, UPSTREAM_OTHER_CA, true);
    sift(&choosing, is_accepted, UPSTREAM_NOT_ACCEPTED, false);
    sift(&choosing, is_valid, UPSTREAM_NOT_VALID, true);
    take_last_to_end(choice);
    return true;
}

void upstream_choice_free(struct upstream_choice *choice)
{
    for (size_t i = 0; i < choice->count; i++) {
        credential_release(choice->items[i].credential);
        free(choice->items[i].why);
    }
    free(choice->items);
    *choice = (struct upstream_choice){.items = NULL};
}

static bool has_begun(const struct upstream_considered *considered)
{
    return considered->credential->not_before <= (int64_t)considered->now;
}

static void say_validity(const struct upstream_considered *considered, char words[UPSTREAM_WORDS_SIZE])
{
    char day[TEXT_TIME_SIZE];
    const struct credential *credential = considered->credential;
    bool begun = has_begun(considered);
    text_of_time((time_t)(begun ? credential->not_after : credential->not_before), day);
    snprintf(words, UPSTREAM_WORDS_SIZE, "%s %s, and another one is valid now",
             begun ? "expired on" : "is not valid before", day);
}

void upstream_words(const struct upstream_considered *considered, char words[UPSTREAM_WORDS_SIZE])
{
    char day[TEXT_TIME_SIZE];
    switch (considered->verdict) {
    case UPSTREAM_CHOSEN:
        snprintf(words, UPSTREAM_WORDS_SIZE, "is the one that is presented");
        break;
    case UPSTREAM_UNUSABLE:
        snprintf(words, UPSTREAM_WORDS_SIZE, "%s",
                 considered->why == NULL ? "cannot be used: there is not enough memory" : considered->why);
        break;
    case UPSTREAM_OTHER_CA:
        snprintf(words, UPSTREAM_WORDS_SIZE,
                 "none of the CAs that the server named issued it, and one of them issued another one");
        break;
    case UPSTREAM_NOT_ACCEPTED:
        snprintf(words, UPSTREAM_WORDS_SIZE, "the server does not accept its kind of key");
        if (considered->short_bits > 0)
            snprintf(words, UPSTREAM_WORDS_SIZE,
                     "the server does not accept its kind of key, or only with signatures for which a key of "
                     "%d bits is too short",
                     considered->short_bits);
        break;
    case UPSTREAM_NOT_VALID:
        say_validity(considered, words);
        break;
    case UPSTREAM_ENDS_EARLIER:
        text_of_time((time_t)considered->credential->not_after, day);
        snprintf(words, UPSTREAM_WORDS_SIZE,
                 "expires on %s; the one that is chosen later, or then too and stands before it", day);
        break;
    }
}

static const char *reason_of_fault(enum credential_fault fault)
{
    static const char *const reasons[] = {
        [CREDENTIAL_READY] = "chosen",
        [CREDENTIAL_NO_RECORD] = "no_record",
        [CREDENTIAL_NO_ANSWER] = "no_answer",
        [CREDENTIAL_UNREADABLE] = "unreadable",
        [CREDENTIAL_REFUSED] = "refused",
        [CREDENTIAL_NO_CERTIFICATE] = "no_certificate",
        [CREDENTIAL_NO_KEY] = "no_key",
        [CREDENTIAL_NO_SECRET] = "no_secret",
        [CREDENTIAL_WRONG_SECRET] = "wrong_secret",
        [CREDENTIAL_KEY_BROKEN] = "key_broken",
        [CREDENTIAL_UNSUPPORTED] = "unsupported",
        [CREDENTIAL_NO_MEMORY] = "no_memory",
    };
    return reasons[fault];
}

const char *upstream_reason(const struct upstream_considered *considered)
{
    switch (considered->verdict) {
    case UPSTREAM_UNUSABLE:
        return reason_of_fault(considered->fault);
    case UPSTREAM_OTHER_CA:
        return "ca_names";
    case UPSTREAM_NOT_ACCEPTED:
        return "key_type";
    case UPSTREAM_NOT_VALID:
        return has_begun(considered) ? "expired" : "not_yet_valid";
    case UPSTREAM_ENDS_EARLIER:
        return "ends_earlier";
    default:
        return "chosen";
    }
}
