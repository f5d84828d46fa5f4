#include "config/foreign.h"

#include <string.h>

struct known {
    const char *bytes; /* UTF-8; NULL: the end of the list */
    const char *words;
};

static const struct known list[] = {
    {"\xef\xbb\xbf", "a byte order mark (U+FEFF); save the file as UTF-8 without one"},
    {"\xff\xfe", "a byte order mark of UTF-16; save the file as UTF-8 without one"},
    {"\xfe\xff", "a byte order mark of UTF-16; save the file as UTF-8 without one"},
    {"\xc2\xa0", "a no-break space (U+00A0); write a space"},
    {"\xe2\x80\xaf", "a narrow no-break space (U+202F); write a space"},
    {"\xe2\x80\x8b", "a zero width space (U+200B); remove it"},
    {"\xe2\x80\x9c", "a curly quote (U+201C); write a straight one, \""},
    {"\xe2\x80\x9d", "a curly quote (U+201D); write a straight one, \""},
    {"\xe2\x80\x9e", "a curly quote (U+201E); write a straight one, \""},
    {"\xe2\x80\x98", "a curly quote (U+2018); write a straight double one, \""},
    {"\xe2\x80\x99", "a curly quote (U+2019); write a straight double one, \""},
    {"\xc2\xab", "an angle quote (U+00AB); write a straight one, \""},
    {"\xc2\xbb", "an angle quote (U+00BB); write a straight one, \""},
    {NULL, NULL},
};

/* The code point of the UTF-8 sequence at `at` (RFC 3629); 0: there is none. */
static unsigned code_point(const unsigned char *at, size_t left)
{
    size_t length = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    unsigned code = at[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fU);
    }
    return code;
}

const char *foreign_words(struct arena *arena, const char *at, size_t left)
{
    static const char advice[] =
        "outside of a text in quotes; put what it belongs to in quotes, or remove it";
    for (const struct known *known = list; known->bytes != NULL; known++) {
        size_t length = strlen(known->bytes);
        if (length <= left && memcmp(at, known->bytes, length) == 0)
            return known->words;
    }
    unsigned code = code_point((const unsigned char *)at, left);
    if (code != 0)
        return arena_printf(arena, "the character U+%04X %s", code, advice);
    return arena_printf(arena, "the byte 0x%02X %s", (unsigned char)at[0], advice);
}
