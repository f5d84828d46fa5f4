#include "tests/unit/upstream_support.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support.h"

struct policy upstream_policy;
struct upstream_rule upstream_rule;

static struct candidate candidates[CANDIDATES_MAX];

void upstream_fixture_make(void)
{
    struct policy *policy = &upstream_policy;
    fixture_make();
    policy->store = (struct store_settings){
        .type = STORE_DIRECTORY, .path = directory.path, .timeout_ms = 10000, .cache_seconds = 0};
    policy->secret = secret_of("352d20ee67be67f6340b4c0605b044b7");
    policy->secret_from = "policy.cfg:1";
    policy->records = records_new(&policy->store);
    policy->credentials = credentials_new(CANDIDATES_MAX);
    upstream_rule.candidates = candidates;
    cr_assert(policy->records != NULL && policy->credentials != NULL);
}

void upstream_fixture_clean(void)
{
    credentials_free(upstream_policy.credentials);
    records_free(upstream_policy.records);
    fixture_clean();
}

static const struct candidate *add(enum candidate_kind kind, const char *name, const char *pem)
{
    size_t number = upstream_rule.candidate_count++;
    cr_assert_lt(number, CANDIDATES_MAX);
    candidates[number] = (struct candidate){.kind = kind,
                                            .number = number,
                                            .name = name,
                                            .pem = pem,
                                            .pem_length = pem == NULL ? 0 : strlen(pem)};
    return &candidates[number];
}

const struct candidate *upstream_add_pem(const char *name, const char *pem)
{
    return add(CANDIDATE_PEM, name, pem);
}

const struct candidate *upstream_add_id(const char *id)
{
    return add(CANDIDATE_ID, id, NULL);
}

void upstream_fetch(void)
{
    const char *ids[CANDIDATES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < upstream_rule.candidate_count; i++) {
        if (candidates[i].kind == CANDIDATE_ID)
            ids[count++] = candidates[i].name;
    }
    struct records_wait wait = {0};
    records_fetch_within(upstream_policy.records, crypto_table(), ids, count, &wait);
}

void upstream_make_ca(const char *name, const char *issuer)
{
    if (issuer == NULL)
        shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key "
              "-subj /CN=%s -days 3650 -out %s.pem",
              name, name, name);
    else
        upstream_make_leaf(name, issuer, 3650, EC_KEY);
}

void upstream_make_leaf(const char *name, const char *issuer, unsigned days, const char *algorithm)
{
    shell("openssl genpkey %s -out %s.key; openssl req -new -key %s.key -subj /CN=%s -out %s.csr;"
          "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -set_serial 1 -days %u -out %s.pem",
          algorithm, name, name, name, name, name, issuer, issuer, days, name);
}

const char *upstream_file(const char *name)
{
    return shell("cat %s", name).text;
}
