#include "policy/der.h"

#include <string.h>

enum { TAG_INTEGER = 0x02, TAG_BIT_STRING = 0x03, TAG_OID = 0x06, TAG_SEQUENCE = 0x30 };

/* An element: its tag, and where its content starts and ends. */
struct element {
    unsigned char tag;
    size_t start, end;
};

/* The element at `at`. False: there is none. Its end may be beyond the data, which may be cut off. */
static bool element_at(const unsigned char *der, size_t length, size_t at, struct element *element)
{
    size_t digits = 0;
    size_t size = 0;
    if (length < 2 || at > length - 2)
        return false;
    element->tag = der[at];
    element->start = at + 2;
    if ((der[at + 1] & 0x80) == 0) {
        size = der[at + 1];
    } else {
        digits = der[at + 1] & 0x7fU;
        if (digits == 0 || digits > 4 || digits >= length - element->start)
            return false;
        for (size_t i = 0; i < digits; i++)
            size = size << 8 | der[element->start + i];
        element->start += digits;
    }
    element->end = element->start + size;
    return element->start < length;
}

/* A text may begin with the digit 0 too, but does not go on so. */
static bool is_der(const unsigned char *der, size_t length)
{
    enum { LOOKED_AT = 8 };
    for (size_t i = 1; i < length && i < LOOKED_AT && der[0] == TAG_SEQUENCE; i++) {
        if (der[i] == '\0' || der[i] >= 0x80 || (der[i] < ' ' && strchr("\t\r\n", der[i]) == NULL))
            return true;
    }
    return false;
}

/* Of what begins with two SEQUENCEs, the inner one with an OID. */
static enum der_kind kind_of_algorithm(const unsigned char *der, size_t length,
                                       const struct element *algorithm)
{
    struct element next;
    bool is_encrypted = element_at(der, length, algorithm->end, &next) && next.tag != TAG_BIT_STRING;
    return is_encrypted ? DER_ENCRYPTED_KEY : DER_PUBLIC_KEY;
}

enum der_kind der_kind(const void *data, size_t length)
{
    const unsigned char *der = data;
    struct element all;
    struct element first;
    struct element second;
    if (length == 0 || !is_der(der, length))
        return DER_NOT;
    if (!element_at(der, length, 0, &all) || !element_at(der, length, all.start, &first))
        return DER_CERTIFICATE;
    if (first.tag == TAG_OID)
        return DER_PKCS7;
    if (first.tag == TAG_INTEGER)
        return der[first.start] == 3 ? DER_PKCS12 : DER_PRIVATE_KEY;
    if (first.tag == TAG_SEQUENCE && element_at(der, length, first.start, &second) && second.tag == TAG_OID)
        return kind_of_algorithm(der, length, &first);
    return DER_CERTIFICATE;
}

bool der_is_whole(const void *data, size_t length)
{
    struct element all;
    return element_at(data, length, 0, &all) && all.tag == TAG_SEQUENCE && all.end == length;
}
