/* What is made of a candidate, when it is made again, and when not. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "policy/credentials.h"
#include "tests/unit/support.h"
#include "tests/unit/upstream_support.h"

static enum credential_fault fault;
static char why[CREDENTIAL_WHY_SIZE];

TestSuite(credentials, .init = upstream_fixture_make, .fini = upstream_fixture_clean);

/* A table that counts the keys that are loaded: each that was encrypted is decrypted before. */
static unsigned loaded;
static struct ossl tables[2];

static EVP_PKEY *count_loads(EVP_PKEY **key, const unsigned char **in, long length)
{
    __atomic_add_fetch(&loaded, 1, __ATOMIC_RELAXED);
    return crypto_table()->d2i_AutoPrivateKey(key, in, length);
}

static const struct ossl *counting(unsigned number)
{
    if (tables[number].d2i_AutoPrivateKey == NULL) {
        tables[number] = *crypto_table();
        tables[number].d2i_AutoPrivateKey = count_loads;
    }
    return &tables[number];
}

static const struct credential *acquire(const struct candidate *candidate)
{
    return credential_acquire(&upstream_policy, crypto_table(), candidate, &fault, why);
}

static void expect_fault(const struct candidate *candidate, enum credential_fault expected, const char *words)
{
    cr_expect_null(acquire(candidate));
    cr_expect_eq(fault, expected, "%d: %s", (int)fault, why);
    cr_expect_not_null(strstr(why, words), "%s", why);
    cr_expect_null(strstr(why, upstream_policy.secret.data == NULL ? "\n" : upstream_policy.secret.data));
}

/* Counts the decryptions that one look costs. */
static unsigned cost(const struct ossl *ossl, const struct candidate *candidate)
{
    loaded = 0;
    credential_release(credential_acquire(&upstream_policy, ossl, candidate, &fault, why));
    return loaded;
}

/* Puts a record into the store. */
static void put(const char *id, const char *text)
{
    char name[RECORD_ID_MAX + 8];
    snprintf(name, sizeof name, "%s.pem", id);
    directory_text(&directory, name, text);
}

static void remove_record(const char *id)
{
    shell("rm %s.pem", id);
}

/* The record of the openssl command's output, with the secret of the policy; its id. */
static const char *register_record(struct content content)
{
    struct record_input input = upload_of(content);
    input.secret = &upstream_policy.secret;
    struct record_made made = made_of(&input);
    put(made.id, made.text);
    return made.id;
}

static void expect_vector(const json_t *vector)
{
    char hex[2 * 32 + 1];
    const char *id = vector_text(vector, "cert_id");
    put(id, vector_file(vector_text(vector, "stored_file")).text);
    const struct candidate *candidate = upstream_add_id(id);
    upstream_fetch();
    const struct credential *credential = acquire(candidate);
    if (!json_is_true(json_object_get(vector, "has_private"))) {
        cr_expect_null(credential);
        cr_expect_eq(fault, CREDENTIAL_NO_CERTIFICATE);
        return;
    }
    cr_assert_not_null(credential, "%s", why);
    cr_expect_eq(fault, CREDENTIAL_READY);
    for (size_t i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", credential->fingerprint[i]);
    cr_expect_str_eq(hex, vector_text(vector, "bare_id"));
    cr_expect_eq(crypto_table()->X509_check_private_key(credential->leaf, credential->key), 1);
    /* Leaf, intermediate, root: what is sent behind the leaf is the intermediate. */
    cr_expect_eq(credential->chain_count, json_object_get(vector, "extra") != NULL ? 1 : 0);
    credential_release(credential);
}

Test(credentials, the_gateways_records)
{
    cr_expect_eq(each_vector("stored_file", expect_vector), 4);
    cr_expect_eq(crypto_table()->ERR_peek_last_error(), 0);
}

Test(credentials, files_with_keys_of_every_form)
{
    static const char *const commands[] = {
        "openssl ecparam -name prime256v1 -genkey -noout -out k",
        "openssl genpkey " EC_KEY " -out k",
        "openssl genpkey " ED25519_KEY " -out k",
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out k",
        "openssl ecparam -name prime256v1 -genkey -noout -out e;"
        "openssl ec -in e -aes256 -passout pass:352d20ee67be67f6340b4c0605b044b7 -out k; cp e plain",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        shell("%s; test -f plain || cp k plain; openssl req -x509 -key plain -subj /CN=x -out c; rm plain",
              commands[i]);
        const struct candidate *candidate = upstream_add_pem("x.pem", shell("cat k c").text);
        const struct credential *credential = acquire(candidate);
        cr_assert_not_null(credential, "%s: %s", commands[i], why);
        /* It signed itself, and is sent all the same. */
        cr_expect_eq(credential->chain_count, 0);
        cr_expect_lt(credential->not_before, credential->not_after);
        credential_release(credential);
    }
}

Test(credentials, the_chain_is_sent_without_a_root_at_its_end)
{
    const struct ossl *ossl = crypto_table();
    upstream_make_ca("root", NULL);
    upstream_make_ca("upper", "root");
    upstream_make_ca("lower", "upper");
    upstream_make_leaf("leaf", "lower", 10, EC_KEY);
    static const struct {
        const char *files;
        size_t count;
    } cases[] = {{"leaf.pem lower.pem upper.pem root.pem", 2},
                 {"leaf.pem lower.pem upper.pem", 2},
                 {"leaf.pem root.pem root.pem", 0},
                 {"leaf.pem root.pem lower.pem", 2},
                 {"leaf.pem", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct content pem = shell("cat %s leaf.key", cases[i].files);
        struct record *record = record_of(NULL, pem.text, pem.length);
        const struct credential *credential = acquire(upstream_add_pem("x.pem", pem.text));
        cr_assert_not_null(credential, "%s", why);
        cr_expect_eq(credential->chain_count, cases[i].count, "%s", cases[i].files);
        for (size_t k = 0; k < credential->chain_count; k++)
            cr_expect_eq(ossl->X509_NAME_cmp(ossl->X509_get_subject_name(credential->chain[k]),
                                             ossl->X509_get_subject_name(record_certificate(record, k + 1))),
                         0);
        credential_release(credential);
        record_free(record);
    }
}

Test(credentials, what_candidates_lack)
{
    upstream_make_ca("ca", NULL);
    const char *bare = upstream_file("ca.pem");
    const char *both = shell("cat ca.pem ca.key").text;
    const char *id = register_record(shell("cat ca.pem ca.key"));
    const struct candidate *in_store = upstream_add_id(id);
    const struct candidate *gone = upstream_add_id("gone");
    expect_fault(in_store, CREDENTIAL_NO_ANSWER, "it was not asked for this record");
    upstream_fetch();
    expect_fault(gone, CREDENTIAL_NO_RECORD, "has no such record; register it there");
    upstream_policy.secret = secret_of("sesame");
    expect_fault(in_store, CREDENTIAL_WRONG_SECRET,
                 ": the record has a private key that cannot be decrypted: the secret is wrong; give the one "
                 "that it was encrypted with (policy.cfg:1)");
    expect_fault(upstream_add_pem("/x.pem", bare), CREDENTIAL_NO_KEY, "/x.pem has no private key; give");
    expect_fault(upstream_add_pem("/x.pem", shell("openssl pkey -in ca.key -pubout").text),
                 CREDENTIAL_NO_CERTIFICATE, "/x.pem is a public key; give a certificate");
    expect_fault(upstream_add_pem("/x.pem", shell("openssl genpkey " EC_KEY " -out n; cat ca.pem n").text),
                 CREDENTIAL_KEY_BROKEN, "belongs to another certificate");
    expect_fault(upstream_add_pem("/x.pem", shell("cat ca.pem; openssl pkcs8 -topk8 -in ca.key -passout "
                                                  "pass:x")
                                                .text),
                 CREDENTIAL_UNSUPPORTED, "this OpenSSL cannot read");
    expect_fault(upstream_add_pem("/x.pem", "nonsense"), CREDENTIAL_REFUSED,
                 "/x.pem cannot be used: it holds no certificate");
    const struct candidate *plain = upstream_add_pem("PEM in place", both);
    const struct credential *credential = acquire(plain);
    cr_expect_not_null(credential, "%s", why);
    credential_release(credential);
    struct candidate unresolved = *plain;
    unresolved.kind = CANDIDATE_UNRESOLVED;
    unresolved.why = "/y.pem cannot be read: no such file";
    expect_fault(&unresolved, CREDENTIAL_UNREADABLE, "/y.pem cannot be read");
}

Test(credentials, without_a_secret)
{
    upstream_make_ca("ca", NULL);
    const struct candidate *candidate = upstream_add_id(register_record(shell("cat ca.pem ca.key")));
    upstream_fetch();
    upstream_policy.secret = secret_of(NULL);
    expect_fault(candidate, CREDENTIAL_NO_SECRET,
                 "there is no secret to read it with; see to it that what policy.cfg:1 names can be read");
    upstream_policy.secret_from = NULL;
    expect_fault(candidate, CREDENTIAL_NO_SECRET,
                 "set 'private_certificate_encoding_secret_file' in the section 'security'");
}

Test(credentials, a_record_that_holds_something_else)
{
    upstream_make_ca("ca", NULL);
    upstream_make_ca("other", NULL);
    const char *id = register_record(shell("cat ca.pem ca.key"));
    const struct candidate *candidate = upstream_add_id(id);
    upstream_fetch();
    cr_expect_eq(cost(counting(0), candidate), 1);
    put(id, upstream_file("other.pem"));
    upstream_fetch();
    expect_fault(candidate, CREDENTIAL_REFUSED, "holds something else than the record of this id");
    /* It was dropped, so it is made again. */
    cr_expect_str_eq(register_record(shell("cat ca.pem ca.key")), id);
    upstream_fetch();
    cr_expect_eq(cost(counting(0), candidate), 1);
}

Test(credentials, a_key_is_decrypted_once_for_each_libssl)
{
    upstream_make_ca("ca", NULL);
    const struct candidate *candidate = upstream_add_id(register_record(shell("cat ca.pem ca.key")));
    const struct candidate *in_file = upstream_add_pem("x.pem", shell("cat ca.pem ca.key").text);
    upstream_fetch();
    cr_expect_eq(cost(counting(0), candidate), 1);
    cr_expect_eq(cost(counting(0), candidate), 0);
    cr_expect_eq(cost(counting(1), candidate), 1);
    cr_expect_eq(cost(counting(0), candidate), 0);
    /* Read again, with the same text. */
    upstream_fetch();
    cr_expect_eq(cost(counting(0), candidate), 0);
    cr_expect_eq(cost(counting(1), candidate), 0);
    cr_expect_eq(cost(counting(0), in_file), 1);
    cr_expect_eq(cost(counting(0), in_file), 0);
}

/* The second certificate is told as the one of the key. */
static void expect_owner(const char *text)
{
    char expected[256];
    unsigned line = 1;
    const char *second = strstr(strstr(text, "-----END"), "-----BEGIN");
    for (const char *at = text; at < second; at++)
        line += *at == '\n';
    snprintf(expected, sizeof expected, "y.pem " RECORD_KEY_OF_ANOTHER, line);
    cr_expect_eq(fault, CREDENTIAL_KEY_BROKEN);
    cr_expect_str_eq(why, expected);
}

Test(credentials, nothing_is_decrypted_again_with_a_wrong_secret)
{
    upstream_make_ca("ca", NULL);
    struct content swapped = shell("openssl genpkey " EC_KEY " -out n; openssl req -x509 -key n "
                                   "-subj /CN=n -out n.pem; cat ca.pem n");
    const struct candidate *candidate = upstream_add_pem("x.pem", swapped.text);
    cr_expect_eq(cost(counting(0), candidate), 1);
    cr_expect_eq(fault, CREDENTIAL_KEY_BROKEN);
    why[0] = '\0';
    cr_expect_eq(cost(counting(0), candidate), 0);
    cr_expect_eq(fault, CREDENTIAL_KEY_BROKEN);
    cr_expect_not_null(strstr(why, "belongs to another certificate"));
    struct content reversed = shell("echo first; cat ca.pem; cat n.pem n");
    const struct candidate *other = upstream_add_pem("y.pem", reversed.text);
    cr_expect_eq(cost(counting(0), other), 2, "one more to find out whose key it is");
    expect_owner(reversed.text);
    why[0] = '\0';
    cr_expect_eq(cost(counting(0), other), 0);
    expect_owner(reversed.text);
}

Test(credentials, a_record_that_changed_or_is_gone)
{
    upstream_make_ca("ca", NULL);
    const char *id = register_record(shell("cat ca.pem ca.key"));
    const struct candidate *candidate = upstream_add_id(id);
    upstream_fetch();
    const struct credential *held = acquire(candidate);
    cr_assert_not_null(held, "%s", why);
    /* The same with a certificate behind it. */
    put(id, shell("cat %s.pem; sed -n '/BEGIN CERT/,/END CERT/p' ca.pem", id).text);
    upstream_fetch();
    const struct credential *newer = acquire(candidate);
    cr_assert_not_null(newer, "%s", why);
    cr_expect_neq(newer, held);
    remove_record(id);
    upstream_fetch();
    expect_fault(candidate, CREDENTIAL_NO_RECORD, "has no such record");
    /* Both are whole as long as they are held. */
    cr_expect_eq(crypto_table()->X509_check_private_key(held->leaf, held->key), 1);
    cr_expect_eq(crypto_table()->X509_check_private_key(newer->leaf, newer->key), 1);
    credential_release(held);
    credential_release(newer);
}

Test(credentials, a_store_that_does_not_answer)
{
    upstream_make_ca("ca", NULL);
    const struct candidate *candidate = upstream_add_id(register_record(shell("cat ca.pem ca.key")));
    upstream_policy.store.stale_seconds = 1000;
    upstream_fetch();
    cr_expect_eq(cost(counting(0), candidate), 1);
    upstream_policy.store.path = directory_text(&directory, "file", "");
    upstream_fetch();
    cr_expect_eq(cost(counting(0), candidate), 0);
    cr_expect_eq(fault, CREDENTIAL_READY, "%s", why);
}

static void *acquire_often(void *given)
{
    const struct candidate *candidate = given;
    enum credential_fault one;
    char words[CREDENTIAL_WHY_SIZE];
    size_t ready = 0;
    for (unsigned i = 0; i < 200; i++) {
        const struct credential *credential =
            credential_acquire(&upstream_policy, counting(0), candidate, &one, words);
        ready += credential != NULL &&
                 crypto_table()->X509_check_private_key(credential->leaf, credential->key) == 1;
        credential_release(credential);
    }
    return (void *)ready;
}

Test(credentials, threads_that_come_at_once_share_one)
{
    pthread_t threads[8];
    void *ready;
    upstream_make_ca("ca", NULL);
    struct candidate candidate = *upstream_add_id(register_record(shell("cat ca.pem ca.key")));
    counting(0);
    upstream_fetch();
    loaded = 0;
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, acquire_often, &candidate), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], &ready);
        cr_expect_eq((size_t)ready, 200);
    }
    cr_expect_leq(loaded, 8);
}
