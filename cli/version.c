#include "cli/version.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/scan.h"

/* The rest of a piece. */
struct rest {
    const char *at;
    size_t left;
};

static int peek(const struct rest *rest)
{
    return rest->left > 0 ? (unsigned char)*rest->at : -1;
}

static void skip(struct rest *rest, size_t count)
{
    rest->at += count;
    rest->left -= count;
}

static bool take(struct rest *rest, char wanted)
{
    bool there = peek(rest) == wanted;
    if (there)
        skip(rest, 1);
    return there;
}

/* Between `min` and `max` characters of a class; true where so many stand there. */
static bool take_class(struct rest *rest, int (*belongs)(int), size_t min, size_t max)
{
    size_t count = 0;
    while (count < max && count < rest->left && belongs((unsigned char)rest->at[count]) != 0)
        count++;
    if (count >= min)
        skip(rest, count);
    return count >= min;
}

/* What distributions and releases add: "1.1.1w", "3.5.0-beta1", "3.0.16+quic". */
static int belongs_to_version(int c)
{
    return c < 0x80 && (isalnum(c) || c == '.' || c == '-' || c == '+');
}

/* The date shows that it is not one of the many texts which only speak of a version. */
static bool take_date(struct rest *rest)
{
    bool spaced = take(rest, ' ');
    take(rest, ' '); /* 1.1.1 has two */
    return spaced && take_class(rest, isdigit, 1, 2) && take(rest, ' ') && take_class(rest, isalpha, 3, 3) &&
           take(rest, ' ') && take_class(rest, isdigit, 4, 4);
}

static bool look(void *context, const char *piece, size_t size, size_t before)
{
    static const char name[] = "OpenSSL ";
    char *version = context;
    const char *end = piece + size;
    const char *at = piece;
    (void)before;
    for (; (at = memmem(at, (size_t)(end - at), name, sizeof name - 1)) != NULL; at++) {
        struct rest rest = {at, (size_t)(end - at)};
        skip(&rest, sizeof name - 1);
        const char *start = rest.at;
        if (isdigit(peek(&rest)) == 0 || !take_class(&rest, belongs_to_version, 5, VERSION_SIZE - 1))
            continue;
        size_t length = (size_t)(rest.at - start);
        if (!take_date(&rest))
            continue;
        snprintf(version, VERSION_SIZE, "%.*s", (int)length, start);
        return false;
    }
    return true;
}

void version_find(int fd, char version[VERSION_SIZE])
{
    version[0] = '\0';
    if (!scan_file(fd, look, version))
        version[0] = '\0';
}
