#include "cli/message.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "policy/text.h"

enum { LINE_SIZE = 16384 };

/*
 * The bytes of the character that starts here, or 0 where it must be escaped: a control character, a byte
 * that starts no UTF-8 sequence, a sequence that is cut off.
 */
static size_t printable_length(const unsigned char *at)
{
    if (at[0] < 0x80)
        return at[0] >= 0x20 && at[0] != 0x7f;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    size_t length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    unsigned code;
    bool control = text_control((const char *)at, length, &code) != 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool out_of_range = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90);
    return control || overlong || out_of_range ? 0 : length;
}

void text_escape(char *out, size_t size, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = (const unsigned char *)text;
    size_t used = 0;
    while (*at != '\0') {
        size_t length = printable_length(at);
        if (used + (length > 0 ? length : 4) >= size)
            break;
        if (length > 0) {
            memcpy(out + used, at, length);
            used += length;
            at += length;
        } else {
            out[used++] = '\\';
            out[used++] = 'x';
            out[used++] = digits[*at >> 4];
            out[used++] = digits[*at & 15];
            at++;
        }
    }
    out[used] = '\0';
}

void text_print(FILE *file, const char *text)
{
    char escaped[LINE_SIZE];
    text_escape(escaped, sizeof escaped, text);
    fputs(escaped, file);
}

__attribute__((format(printf, 2, 0), nonnull)) static void line(const char *before, const char *format,
                                                                va_list arguments)
{
    char text[LINE_SIZE];
    vsnprintf(text, sizeof text, format, arguments);
    fputs(before, stderr);
    text_print(stderr, text);
    fputc('\n', stderr);
}

void message_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line("tlsgraft: ", format, arguments);
    va_end(arguments);
}

void message_warning(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line("tlsgraft: warning: ", format, arguments);
    va_end(arguments);
}

void message_plain(const char *text)
{
    text_print(stderr, text);
    fputc('\n', stderr);
}
