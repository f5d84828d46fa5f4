/* What is remembered of servers' certificates: never one's facts for another, and no more than there is room.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "policy/expiry.h"
#include "policy/leaves.h"
#include "policy/policy.h"
#include "tests/unit/record_support.h"
#include "tests/unit/support.h"

enum { THREADS = 8, ROUNDS = 500, SAME_SERIAL = 8 };

static struct policy policy;

static void clean(void)
{
    leaves_free(atomic_load(&policy.leaves));
    fixture_clean();
}

TestSuite(leaves, .init = record_fixture_make, .fini = clean);

static struct content der_of(const char *key, unsigned serial, int days)
{
    return shell("openssl req -x509 -new -key %s -subj /CN=api.example -set_serial %u -days %d -outform DER "
                 "2>/dev/null",
                 key, serial, days);
}

static X509 *parsed(const struct content *der)
{
    const unsigned char *at = (const unsigned char *)der->text;
    X509 *x = crypto_table()->d2i_X509(NULL, &at, (long)der->length);
    cr_assert_not_null(x);
    return x;
}

static X509 *certificate(const char *key, unsigned serial, int days)
{
    const struct content der = der_of(key, serial, days);
    return parsed(&der);
}

static const struct leaf *find(const X509 *x)
{
    return leaves_find(&policy, crypto_table(), x);
}

static void remember(const X509 *x)
{
    leaves_remember(&policy, crypto_table(), x);
}

/* What is found is what is worked out without it. */
static bool is_right(const struct leaf *leaf, const X509 *x)
{
    const struct ossl *ossl = crypto_table();
    struct pin pin;
    int64_t not_after;
    return leaf != NULL && ossl_pin_of_certificate(ossl, x, &pin) && pin_equal(&pin, &leaf->pin) &&
           expiry_time(ossl, ossl->X509_get0_notAfter(x), &not_after) && leaf->has_end &&
           leaf->not_after == not_after;
}

Test(leaves, what_is_met_again_is_known)
{
    X509 *x = certificate("key.pem", 1, 30);
    X509 *again = certificate("key.pem", 1, 30);
    cr_expect_null(find(x));
    remember(x);
    cr_expect_null(find(x), "one connection pays for nothing");
    remember(x);
    cr_expect(is_right(find(x), x));
    crypto_table()->X509_free(x);
    remember(again);
    cr_expect_eq(crypto_table()->ERR_peek_last_error(), 0);
    crypto_table()->X509_free(again);
}

Test(leaves, servers_with_different_keys_take_turns)
{
    X509 *one = certificate("key.pem", 1, 30);
    X509 *other = certificate("other.key", 1, 30);
    remember(one);
    remember(one);
    cr_expect_null(find(other));
    remember(other);
    for (int i = 0; i < 2; i++) {
        cr_expect(is_right(find(one), one));
        cr_expect(is_right(find(other), other));
    }
    cr_expect_not(pin_equal(&find(one)->pin, &find(other)->pin));
}

Test(leaves, a_renewed_certificate_is_another)
{
    X509 *old = certificate("key.pem", 1, 30);
    X509 *renewed = certificate("key.pem", 1, 60);
    remember(old);
    remember(old);
    cr_expect_null(find(renewed));
    remember(renewed);
    cr_expect(is_right(find(renewed), renewed));
    cr_expect(is_right(find(old), old));
    cr_expect(pin_equal(&find(old)->pin, &find(renewed)->pin));
    cr_expect_lt(find(old)->not_after, find(renewed)->not_after);
}

/* rsaEncryption becomes id-RSASSA-PSS; the bits of the key stay. */
Test(leaves, the_same_bits_as_another_kind_of_key_are_another_key)
{
    static const char oid[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    shell("openssl genrsa -out rsa.key 2048 2>/dev/null");
    struct content der = der_of("rsa.key", 1, 30);
    X509 *x = parsed(&der);
    char *at = memmem(der.text, der.length, oid, sizeof oid - 1);
    cr_assert_not_null(at);
    at[sizeof oid - 2] = 0x0a;
    X509 *pss = parsed(&der);
    remember(x);
    remember(x);
    cr_expect_null(find(pss));
    remember(pss);
    cr_expect(is_right(find(pss), pss));
    cr_expect(is_right(find(x), x));
    cr_expect_not(pin_equal(&find(pss)->pin, &find(x)->pin));
}

Test(leaves, each_libcrypto_has_its_own)
{
    const struct ossl table = *crypto_table();
    X509 *x = certificate("key.pem", 1, 30);
    remember(x);
    remember(x);
    cr_expect_null(leaves_find(&policy, &table, x));
}

/* All begin at one place. */
Test(leaves, what_finds_no_place_is_not_remembered)
{
    X509 *all[SAME_SERIAL];
    size_t known = 0;
    remember(certificate("key.pem", 9, 1));
    for (int i = 0; i < SAME_SERIAL; i++) {
        all[i] = certificate("key.pem", 7, 10 + i);
        remember(all[i]);
    }
    for (int i = 0; i < SAME_SERIAL; i++) {
        const struct leaf *leaf = find(all[i]);
        known += leaf != NULL;
        cr_expect(leaf == NULL || is_right(leaf, all[i]));
    }
    cr_expect_eq(known, 4);
}

static X509 *shared[THREADS];
static atomic_uint wrong;

static void *meet(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        const X509 *x = shared[((uintptr_t)number + (unsigned)i) % THREADS];
        const struct leaf *leaf = find(x);
        if (leaf == NULL)
            remember(x);
        else if (!is_right(leaf, x))
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

Test(leaves, threads_find_what_is_right)
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        shared[i] = certificate(i % 2 == 0 ? "key.pem" : "other.key", 16 * (i / 4), 10 + (int)i);
    for (uintptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, meet, (void *)i), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(atomic_load(&wrong), 0);
    for (unsigned i = 0; i < THREADS; i++)
        cr_expect(is_right(find(shared[i]), shared[i]), "%u", i);
}
