/* The hashes of names, as constants. */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/gnu_hash.h"
#include "policy/openssl.h"

/* As the GNU hash section's authors define it. */
static uint32_t computed(const char *name)
{
    uint32_t hash = 5381;
    for (; *name != '\0'; name++)
        hash = (hash << 5) + hash + (unsigned char)*name;
    return hash;
}

/* Values that are known of the section's descriptions. */
Test(gnu_hash, is_the_loaders)
{
    cr_assert_eq(GNU_HASH(""), 0x00001505);
    cr_assert_eq(GNU_HASH("printf"), 0x156b2bb8);
    cr_assert_eq(GNU_HASH("exit"), 0x7c967e3f);
    cr_assert_eq(GNU_HASH("syscall"), 0xbac212a0);
}

Test(gnu_hash, takes_the_longest_text)
{
    static const char longest[] = "123456789 123456789 123456789 123456789 12345678";
    cr_assert_eq(sizeof longest, GNU_HASH_LONGEST + 1);
    cr_assert_eq(GNU_HASH("123456789 123456789 123456789 123456789 12345678"), computed(longest));
    cr_assert_eq(GNU_HASH("\xff\x80"), computed("\xff\x80"));
}

struct asked {
    unsigned names, older;
};

/* Those of 1.1.1, each asked for where the newer one is not there. */
static bool is_older(const char *name)
{
    static const char *const names[] = {"EVP_CIPHER_flags",     "EVP_CIPHER_key_length",
                                        "EVP_CIPHER_iv_length", "EVP_PKEY_id",
                                        "EVP_PKEY_bits",        "SSL_get_peer_certificate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool has_older(const char *name)
{
    return strncmp(name, "EVP_CIPHER_get_", 15) == 0 || strncmp(name, "EVP_PKEY_get_", 13) == 0 ||
           strcmp(name, "SSL_get1_peer_certificate") == 0;
}

static void *find(void *context, const char *name, uint32_t hash, size_t size)
{
    struct asked *asked = context;
    cr_assert_eq(hash, computed(name), "%s", name);
    cr_assert_eq(size, strlen(name) + 1, "%s", name);
    asked->names++;
    asked->older += is_older(name);
    return has_older(name) ? NULL : context;
}

Test(gnu_hash, of_openssls_functions_is_right)
{
    struct ossl table;
    struct asked asked = {0, 0};
    cr_assert_null(ossl_fill_crypto(&table, find, &asked));
    cr_assert_null(ossl_fill_ssl(&table, find, &asked));
    cr_assert_gt(asked.names, 150);
    cr_assert_eq(asked.older, 6);
}
