#include <criterion/criterion.h>
#include <string.h>

#include "policy/md5.h"
#include "tests/unit/record_support.h"

static void expect(const char *text, const char *hex)
{
    struct md5 md5;
    unsigned char digest[MD5_BYTES];
    char found[2 * MD5_BYTES + 1];
    md5_begin(&md5);
    md5_add(&md5, text, strlen(text));
    md5_end(&md5, digest);
    for (size_t i = 0; i < MD5_BYTES; i++)
        snprintf(found + 2 * i, 3, "%02x", digest[i]);
    cr_expect_str_eq(found, hex, "of \"%s\"", text);
}

/* RFC 1321, A.5. */
Test(md5, of_the_rfc)
{
    expect("", "d41d8cd98f00b204e9800998ecf8427e");
    expect("a", "0cc175b9c0f1b6a831c399e269772661");
    expect("abc", "900150983cd24fb0d6963f7d28e17f72");
    expect("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    expect("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    expect("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
           "d174ab98d277d9f5a5611c2c9f419d9f");
    expect("12345678901234567890123456789012345678901234567890123456789012345678901234567890",
           "57edf4a22be3c955ac49da2e2107b67a");
}

typedef unsigned char *openssl_md5(const unsigned char *data, size_t length, unsigned char *digest);

/* Each length around the ends of two blocks, in pieces that fall across them. */
Test(md5, is_that_of_openssl)
{
    unsigned char text[200], expected[MD5_BYTES], found[MD5_BYTES];
    void *function = crypto_function("MD5");
    openssl_md5 *reference;
    cr_assert_not_null(function);
    memcpy(&reference, &function, sizeof reference);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)(i * 7 + 3);
    for (size_t length = 0; length <= sizeof text; length++) {
        struct md5 md5;
        size_t first = length * 3 / 4;
        md5_begin(&md5);
        md5_add(&md5, text, first);
        md5_add(&md5, text + first, length - first);
        md5_end(&md5, found);
        reference(text, length, expected);
        cr_expect_arr_eq(found, expected, sizeof found, "%zu bytes", length);
    }
}
