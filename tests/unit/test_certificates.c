/* How one of ours is set in an SSL: preload/certificates.c, with a libssl that answers what a test says. */
#include <criterion/criterion.h>
#include <string.h>

#include "preload/certificates.h"

#define KEY_OF_A_PROVIDER (-1) /* EVP_PKEY_KEYMGMT */

static char leaf, key, further, chain;
static int type;
static int refused;        /* the call that fails, in the order in which they come; 0: none */
static char calls[8];      /* a letter for each call */
static const void *pushed; /* onto the chain */

static int call(char letter)
{
    size_t count = strlen(calls);
    cr_assert_lt(count, sizeof calls - 1);
    calls[count] = letter;
    return (int)count + 1 != refused;
}

static int get_id(const EVP_PKEY *of)
{
    cr_expect_eq((const void *)of, &key);
    return type;
}

static OPENSSL_STACK *new_stack(void)
{
    return (OPENSSL_STACK *)&chain;
}

static int push(OPENSSL_STACK *stack, const void *what)
{
    cr_expect_eq((void *)stack, &chain);
    pushed = what;
    return 1;
}

static void free_stack(OPENSSL_STACK *stack)
{
    cr_expect_eq((void *)stack, &chain);
}

static X509 *get_certificate(const SSL *ssl)
{
    (void)ssl;
    return NULL;
}

static int use_all(SSL *ssl, X509 *certificate, EVP_PKEY *private_key, X509_STACK *others, int override)
{
    (void)ssl;
    cr_expect((void *)certificate == &leaf && (void *)private_key == &key && (void *)others == &chain);
    cr_expect_eq(override, 1);
    return call('a');
}

static int use_certificate(SSL *ssl, X509 *certificate)
{
    (void)ssl;
    cr_expect_eq((void *)certificate, &leaf);
    return call('c');
}

static int use_key(SSL *ssl, EVP_PKEY *private_key)
{
    (void)ssl;
    cr_expect_eq((void *)private_key, &key);
    return call('k');
}

static long control(SSL *ssl, int command, long number, void *pointer)
{
    (void)ssl;
    cr_expect(command == OSSL_CTRL_CHAIN && number == 1 && pointer == &chain);
    return call('o');
}

static void clear(SSL *ssl)
{
    (void)ssl;
    (void)call('x');
}

static bool set(int key_type, int refused_call)
{
    static const struct libssl libssl = {.fn = {.EVP_PKEY_get_id = get_id,
                                                .OPENSSL_sk_new_null = new_stack,
                                                .OPENSSL_sk_push = push,
                                                .OPENSSL_sk_free = free_stack,
                                                .SSL_get_certificate = get_certificate,
                                                .SSL_use_cert_and_key = use_all,
                                                .SSL_use_certificate = use_certificate,
                                                .SSL_use_PrivateKey = use_key,
                                                .SSL_ctrl = control,
                                                .SSL_certs_clear = clear}};
    X509 *const others[] = {(X509 *)&further};
    const struct credential credential = {
        .leaf = (X509 *)&leaf, .key = (EVP_PKEY *)&key, .chain = others, .chain_count = 1};
    type = key_type;
    refused = refused_call;
    memset(calls, 0, sizeof calls);
    pushed = NULL;
    bool done = certificates_set(&libssl, NULL, &credential);
    cr_expect_eq(pushed, &further);
    return done;
}

Test(certificates, a_key_that_libssl_knows_is_set_in_one_call)
{
    static const int types[] = {OSSL_NID_RSA, OSSL_NID_RSA_PSS, OSSL_NID_DSA,
                                OSSL_NID_EC,  OSSL_NID_ED25519, OSSL_NID_ED448};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        cr_expect(set(types[i], 0));
        cr_expect_str_eq(calls, "a");
        cr_expect_not(set(types[i], 1));
        cr_expect_str_eq(calls, "a");
    }
}

/* Some releases of OpenSSL follow a NULL in that call; 3.5.5 is one. */
Test(certificates, a_key_that_only_a_provider_knows_is_never_set_in_one_call)
{
    cr_expect(set(KEY_OF_A_PROVIDER, 0));
    cr_expect_str_eq(calls, "cko");
}

Test(certificates, nothing_stays_set_where_a_part_is_refused)
{
    cr_expect_not(set(KEY_OF_A_PROVIDER, 1));
    cr_expect_str_eq(calls, "cx");
    cr_expect_not(set(KEY_OF_A_PROVIDER, 2));
    cr_expect_str_eq(calls, "ckx");
    cr_expect_not(set(KEY_OF_A_PROVIDER, 3));
    cr_expect_str_eq(calls, "ckox");
}
