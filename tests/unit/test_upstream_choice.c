/* The choice among the candidates of a rule, step by step. */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/upstream.h"
#include "tests/unit/support.h"
#include "tests/unit/upstream_support.h"

#define DAY 86400L /* seconds */

static struct upstream_demand demand;
static struct upstream_choice choice;

static void begin(void)
{
    upstream_fixture_make();
    /* Later than the certificates, which are yet to be made, begin. */
    demand = (struct upstream_demand){.ossl = crypto_table(), .now = time(NULL) + DAY / 2};
}

static void end(void)
{
    upstream_choice_free(&choice);
    crypto_table()->OPENSSL_sk_free((OPENSSL_STACK *)demand.names);
    upstream_fixture_clean();
}

TestSuite(upstream_choice, .init = begin, .fini = end);

/* A candidate of a certificate, its key, and perhaps its chain. */
static void add(const char *name, const char *chain)
{
    upstream_add_pem(name, shell("cat %s.pem %s %s.key", name, chain, name).text);
}

/* The server names this CA as well. */
static void name_ca(const char *file)
{
    const struct ossl *ossl = crypto_table();
    struct content pem = shell("cat %s.pem", file);
    struct record *record = record_of(NULL, pem.text, pem.length);
    OPENSSL_STACK *stack = (OPENSSL_STACK *)demand.names;
    stack = stack == NULL ? ossl->OPENSSL_sk_new_null() : stack;
    cr_assert_gt(ossl->OPENSSL_sk_push(stack, ossl->X509_get_subject_name(record_certificate(record, 0))), 0);
    demand.names = (const X509_NAME_STACK *)stack;
}

static void expect_chosen(const char *name)
{
    upstream_choice_free(&choice);
    cr_assert(upstream_choose(&upstream_policy, &upstream_rule, &demand, &choice));
    cr_expect_eq(choice.count, upstream_rule.candidate_count);
    cr_expect_eq(choice.chosen == NULL, name == NULL);
    if (choice.chosen != NULL && name != NULL)
        cr_expect_str_eq(choice.chosen->candidate->name, name);
}

static void expect_reason(size_t i, const char *reason, const char *words)
{
    char text[UPSTREAM_WORDS_SIZE];
    cr_expect_str_eq(upstream_reason(&choice.items[i]), reason);
    upstream_words(&choice.items[i], text);
    cr_expect_not_null(strstr(text, words), "%s", text);
}

Test(upstream_choice, of_ten_the_one_that_fits_the_ca_names)
{
    char name[8];
    upstream_make_ca("ca", NULL);
    upstream_make_ca("wanted", NULL);
    for (unsigned i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "leaf%u", i);
        upstream_make_leaf(name, i == 6 ? "wanted" : "ca", i == 6 ? 2 : 20 + i, EC_KEY);
        add(strdup(name), "");
    }
    name_ca("wanted");
    expect_chosen("leaf6");
    for (size_t i = 0; i < 10; i++)
        expect_reason(i, i == 6 ? "chosen" : "ca_names",
                      i == 6 ? "is the one that is presented" : "none of the CAs that the server named");
}

Test(upstream_choice, a_ca_above_the_leafs_issuer_counts_if_its_chain_is_there)
{
    upstream_make_ca("root", NULL);
    upstream_make_ca("middle", "root");
    upstream_make_ca("other", NULL);
    upstream_make_leaf("bare", "middle", 30, EC_KEY);
    upstream_make_leaf("chained", "middle", 10, EC_KEY);
    add("bare", "");
    add("chained", "middle.pem root.pem");
    name_ca("other");
    expect_chosen("bare");
    expect_reason(1, "ends_earlier", "expires on");
    name_ca("root");
    expect_chosen("chained");
    expect_reason(0, "ca_names", "none of the CAs");
    name_ca("middle");
    expect_chosen("bare");
}

static bool accepts_ec(void *context, const struct credential *credential)
{
    (*(unsigned *)context)++;
    return crypto_table()->EVP_PKEY_get_id(credential->key) == OSSL_NID_EC;
}

static bool accepts_none(void *context, const struct credential *credential)
{
    (void)context;
    (void)credential;
    return false;
}

Test(upstream_choice, a_key_that_is_too_short_for_a_signature)
{
    upstream_make_ca("ca", NULL);
    upstream_make_leaf("short", "ca", 30, "-algorithm RSA -pkeyopt rsa_keygen_bits:512");
    add("short", "");
    demand.accepts = accepts_none;
    expect_chosen(NULL);
    expect_reason(0, "key_type", "or only with signatures for which a key of 512 bits is too short");
}

Test(upstream_choice, a_key_that_the_server_accepts)
{
    unsigned asked = 0;
    upstream_make_ca("ca", NULL);
    upstream_make_ca("other", NULL);
    upstream_make_leaf("ed", "ca", 30, ED25519_KEY);
    upstream_make_leaf("ec", "ca", 10, EC_KEY);
    upstream_make_leaf("stranger", "other", 40, EC_KEY);
    add("ed", "");
    add("ec", "");
    add("stranger", "");
    name_ca("ca");
    expect_chosen("ed");
    demand.accepts = accepts_ec;
    demand.context = &asked;
    expect_chosen("ec");
    cr_expect_eq(asked, 2);
    expect_reason(0, "key_type", "the server does not accept its kind of key");
    expect_reason(2, "ca_names", "none of the CAs");
    demand.accepts = accepts_none;
    expect_chosen(NULL);
}

Test(upstream_choice, one_that_is_valid_then_the_one_that_expires_last)
{
    upstream_make_ca("ca", NULL);
    upstream_make_leaf("ten", "ca", 10, EC_KEY);
    upstream_make_leaf("thirty", "ca", 30, EC_KEY);
    upstream_make_leaf("twenty", "ca", 20, EC_KEY);
    add("ten", "");
    add("thirty", "");
    add("twenty", "");
    add("thirty", "");
    expect_chosen("thirty");
    cr_expect_eq(choice.chosen, &choice.items[1]);
    expect_reason(0, "ends_earlier", "expires on");
    expect_reason(3, "ends_earlier", "stands before it");
    demand.now += 25 * DAY;
    expect_chosen("thirty");
    expect_reason(0, "expired", "expired on");
    expect_reason(2, "expired", "and another one is valid now");
    /* If none is valid, the one that was so last. */
    demand.now += 25 * DAY;
    expect_chosen("thirty");
    expect_reason(0, "ends_earlier", "expires on");
}

Test(upstream_choice, one_that_is_not_valid_yet)
{
    struct content pem;
    upstream_make_ca("ca", NULL);
    upstream_make_leaf("now", "ca", 10, EC_KEY);
    shell("openssl genpkey " EC_KEY " -out later.key; : > index; echo 01 > serial;"
          "openssl req -new -key later.key -subj /CN=later -out later.csr;"
          "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\n"
          "policy=p\\n[p]\\ncommonName=supplied\\n' > ca.cnf;"
          "openssl ca -batch -config ca.cnf -md sha256 -notext -cert ca.pem -keyfile ca.key -in later.csr "
          "-startdate 20400101000000Z -enddate 20990101000000Z -out later.pem");
    add("later", "");
    add("now", "");
    expect_chosen("now");
    expect_reason(0, "not_yet_valid", "is not valid before 2040-01-01T00:00:00Z");
    pem = shell("date -ud 2040-01-01 +%%s");
    demand.now = (time_t)strtoll(pem.text, NULL, 10);
    expect_chosen("later");
    expect_reason(1, "expired", "expired on");
    demand.now--;
    expect_chosen("later");
}

Test(upstream_choice, the_bounds_of_validity_are_part_of_it)
{
    upstream_make_ca("ca", NULL);
    upstream_make_leaf("short", "ca", 10, EC_KEY);
    upstream_make_leaf("long", "ca", 3650, EC_KEY);
    add("short", "");
    expect_chosen("short");
    int64_t end = choice.chosen->credential->not_after;
    add("long", "");
    demand.now = (time_t)end;
    expect_chosen("long");
    expect_reason(0, "ends_earlier", "expires on");
    demand.now++;
    expect_chosen("long");
    expect_reason(0, "expired", "expired on");
}

Test(upstream_choice, what_is_unusable_is_passed_over)
{
    upstream_make_ca("ca", NULL);
    upstream_make_leaf("good", "ca", 10, EC_KEY);
    upstream_add_pem("bare.pem", upstream_file("good.pem"));
    upstream_add_pem("swapped.pem", shell("cat good.pem ca.key").text);
    add("good", "");
    upstream_add_id("gone");
    expect_chosen("good");
    expect_reason(0, "no_key", "bare.pem has no private key; give");
    expect_reason(1, "key_broken", "swapped.pem has a private key that is damaged, or belongs to another");
    expect_reason(3, "no_answer", "it was not asked");
    upstream_fetch();
    expect_chosen("good");
    expect_reason(3, "no_record", "has no such record; register it");
}

Test(upstream_choice, none_is_usable)
{
    upstream_add_pem("empty.pem", "");
    expect_chosen(NULL);
    expect_reason(0, "refused", "empty.pem cannot be used: it holds no certificate");
    cr_expect_eq(crypto_table()->ERR_peek_last_error(), 0);
}
