#include "config/mistaken.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "policy/pin.h"
#include "policy/text.h"

enum { BASE64_LENGTH = 44, HEX_LENGTH = 2 * PIN_BYTES };

/* What stands behind "sha256", in any case; NULL: the text does not begin so. */
static const char *after_prefix(const char *text)
{
    static const char header[] = "pin-"; /* of RFC 7469: pin-sha256="..." */
    static const char name[] = "sha256";
    if (strncasecmp(text, header, sizeof header - 1) == 0)
        text += sizeof header - 1;
    return strncasecmp(text, name, sizeof name - 1) == 0 ? text + sizeof name - 1 : NULL;
}

/* Base64 of either alphabet (RFC 4648, sections 4 and 5), with or without its padding. */
static bool read_base64(const char *text, struct pin *pin)
{
    char base64[BASE64_LENGTH];
    size_t length = strcspn(text, "\" ");
    if (length < BASE64_LENGTH - 1 || length > BASE64_LENGTH)
        return false;
    memcpy(base64, text, length);
    if (length < BASE64_LENGTH)
        base64[length] = '=';
    for (size_t i = 0; i < BASE64_LENGTH; i++)
        base64[i] = base64[i] == '-' ? '+' : base64[i] == '_' ? '/' : base64[i];
    return pin_from_base64(base64, BASE64_LENGTH, pin);
}

/* Behind what separates it from the prefix; the digits may begin with some of the same signs. */
static bool read_any(const char *text, struct pin *pin)
{
    for (;; text++) {
        if (pin_from_hex(text, strlen(text), pin) || read_base64(text, pin))
            return true;
        if (*text == '\0' || strchr("/:=- \"", *text) == NULL)
            return false;
    }
}

const char *mistaken_pin(struct arena *arena, const char *text)
{
    const char *rest = after_prefix(text);
    size_t length = strlen(text);
    struct pin pin;
    char right[PIN_TEXT_SIZE];
    /* Without a prefix all of it must be right: it may also be the name of something. */
    bool bare = rest == NULL && length == BASE64_LENGTH && pin_from_base64(text, length, &pin);
    bool prefixed = rest != NULL && strchr("/:=- ", *rest) != NULL && read_any(rest, &pin);
    if (!bare && !prefixed)
        return NULL;
    pin_format(&pin, right);
    return arena_printf(arena, "is a SHA-256, but not as a pin is written; write %s", right);
}

/* `openssl x509 -fingerprint` writes "sha256 Fingerprint=AA:BB:...". */
static const char *after_label(const char *text)
{
    const char *label = strstr(text, "ingerprint=");
    return label == NULL ? text : label + strlen("ingerprint=");
}

/* How many hex digits stand in a fingerprint, and the first of them as they are written; 0: it is none. */
static size_t read_fingerprint(const char *text, char hex[HEX_LENGTH + 1])
{
    enum { DIGITS_MIN = 32 }; /* MD5 */
    size_t digits = 0;
    memset(hex, 0, HEX_LENGTH + 1);
    text = after_label(text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !text_is_hex_digit(text[i]))
            return 0;
        if (i % 3 != 2 && digits++ < HEX_LENGTH)
            hex[digits - 1] = text[i];
    }
    return digits < DIGITS_MIN ? 0 : digits;
}

bool mistaken_digits(const char *text, char digits[MISTAKEN_DIGITS_SIZE])
{
    if (read_fingerprint(text, digits) != HEX_LENGTH)
        return false;
    for (char *at = digits; *at != '\0'; at++)
        *at = text_lower(*at);
    return true;
}

const char *mistaken_fingerprint(struct arena *arena, const char *text)
{
    char hex[HEX_LENGTH + 1];
    size_t digits = read_fingerprint(text, hex);
    if (digits == 0)
        return NULL;
    if (digits != HEX_LENGTH)
        return arena_printf(
            arena,
            "is a fingerprint of %zu bytes%s, and no SHA-256, which has 32; the pin is printed "
            "by: tlsgraft pin cert.pem",
            digits / 2, digits == 40 ? " (SHA-1)" : "");
    return arena_printf(
        arena,
        "is a fingerprint with colons; write its hex digits alone, %s, and mind that a pin is "
        "the SHA-256 of the public key, not of the certificate; of a certificate in the store, write its id: "
        "the "
        "organisation and these digits in lower case",
        hex);
}
