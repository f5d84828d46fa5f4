#include <criterion/criterion.h>
#include <string.h>

#include "policy/pin.h"

/* SHA-256 of the empty text, as RFC 6234's tools and `printf '' | openssl dgst -sha256` give it. */
static const char hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char base64[] = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

Test(pin, hex_and_base64_are_the_same_pin)
{
    struct pin a, b;
    char text[PIN_TEXT_SIZE];
    cr_assert(pin_from_hex(hex, strlen(hex), &a));
    cr_assert(pin_from_base64(base64, strlen(base64), &b));
    cr_assert(pin_equal(&a, &b));
    pin_format(&a, text);
    cr_assert_str_eq(text, "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

Test(pin, every_byte_counts)
{
    /* A tool that compared keys with string functions stopped at the first NUL. */
    for (size_t i = 0; i < PIN_BYTES; i++) {
        struct pin a = {{0}}, b = {{0}};
        b.sha256[i] = 1;
        cr_expect_not(pin_equal(&a, &b), "byte %zu", i);
    }
}

Test(pin, every_value_survives_formatting)
{
    for (unsigned value = 0; value < 256; value++) {
        struct pin pin, again;
        char text[PIN_TEXT_SIZE];
        memset(pin.sha256, (int)value, sizeof pin.sha256);
        pin.sha256[value % PIN_BYTES] ^= 0x5a;
        pin_format(&pin, text);
        cr_assert(pin_from_base64(text + strlen("sha256//"), 44, &again));
        cr_expect(pin_equal(&pin, &again));
    }
}

Test(pin, what_is_no_pin_is_refused)
{
    static const char *const wrong[] = {
        "",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",  /* no padding */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==", /* 31 bytes */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA", /* 33 bytes */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", /* bits beyond the 32nd byte */
        "47DEQpj8HBSa-_TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", /* the URL alphabet */
        "47DEQpj8HBSa /TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", /* a space */
        "=7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", /* padding elsewhere */
    };
    struct pin pin;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(pin_from_base64(wrong[i], strlen(wrong[i]), &pin), "%s", wrong[i]);
    cr_expect_not(pin_from_hex(hex, strlen(hex) - 1, &pin));
    cr_expect_not(pin_from_hex("g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 64, &pin));
}
