#include "cli/event_parse.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of the JSON string that begins at `at`. */
static size_t string_length(const char *at, size_t left)
{
    size_t length = 1;
    while (length < left && at[length] != '"')
        length += at[length] == '\\' ? 2 : 1;
    return length < left ? length + 1 : left;
}

/* Is this, which strtoll(3) and strtod(3) end at `end`, a number too big for them? */
static bool is_too_big(const char *number, const char *end)
{
    bool real = memchr(number, '.', (size_t)(end - number)) != NULL ||
                memchr(number, 'e', (size_t)(end - number)) != NULL ||
                memchr(number, 'E', (size_t)(end - number)) != NULL;
    char *stop;
    errno = 0;
    if (!real) {
        strtoll(number, &stop, 10);
        return errno == ERANGE && stop == end;
    }
    double value = strtod(number, &stop);
    return errno == ERANGE && stop == end && isinf(value);
}

/* Writes null in the place of each number that is too big; "1e999" is as short as one can be. */
static void replace_numbers(char *json, size_t length)
{
    static const char null[] = "null";
    for (size_t at = 0; at < length;) {
        size_t size = strspn(json + at, "+-.0123456789eE");
        if (json[at] == '"') {
            at += string_length(json + at, length - at);
        } else if (size < sizeof null || strchr("-0123456789", json[at]) == NULL) {
            at += size > 0 ? size : 1;
        } else {
            if (is_too_big(json + at, json + at + size)) {
                memset(json + at, ' ', size);
                memcpy(json + at, null, sizeof null - 1);
            }
            at += size;
        }
    }
}

json_t *event_parse(const struct event_text *text)
{
    json_error_t error;
    json_t *event = json_loadb(text->json, text->length, JSON_ALLOW_NUL, &error);
    if (event == NULL && json_error_code(&error) == json_error_numeric_overflow) {
        char *copy = malloc(text->length + 1);
        if (copy == NULL)
            return NULL;
        memcpy(copy, text->json, text->length);
        copy[text->length] = '\0';
        replace_numbers(copy, text->length);
        event = json_loadb(copy, text->length, JSON_ALLOW_NUL, &error);
        free(copy);
    }
    if (json_is_object(event))
        return event;
    json_decref(event);
    return NULL;
}
