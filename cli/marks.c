#include "cli/marks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, OVERLAP = 64 };

/* At `at`, `left` bytes before the end, does `text` stand? */
static bool stands(const char *at, size_t left, const char *text)
{
    size_t length = strlen(text);
    return length <= left && memcmp(at, text, length) == 0;
}

/*
 * Each mark is looked for in two parts, so that this command does not find itself.
 *
 * TLS 1.3 signs its handshake after one of two fixed texts (RFC 8446, 4.4.3): whoever speaks it holds them.
 * Go's linker aligns its build information to 16 bytes.
 */
static void look_at(const char *chunk, size_t size, size_t before, struct marks *marks)
{
    const char *end = chunk + size;
    for (const char *at = chunk; (at = memmem(at, (size_t)(end - at), "TLS 1.3, ", 9)) != NULL; at++) {
        size_t left = (size_t)(end - at) - 9;
        if (stands(at + 9, left, "client CertificateVerify") ||
            stands(at + 9, left, "server CertificateVerify"))
            marks->tls = true;
    }
    for (const char *at = chunk; (at = memmem(at, (size_t)(end - at), "\xff Go ", 5)) != NULL; at++) {
        size_t position = before + (size_t)(at - chunk);
        if (position % 16 == 0 && stands(at + 5, (size_t)(end - at) - 5, "buildinf:"))
            marks->go = true;
    }
}

bool marks_find(int fd, struct marks *marks)
{
    memset(marks, 0, sizeof *marks);
    char *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return false;
    size_t before = 0; /* bytes of the file before the chunk */
    size_t kept = 0;   /* bytes at its start that were read before: a mark may lie across */
    ssize_t got;
    while ((got = pread(fd, chunk + kept, CHUNK - kept, (off_t)(before + kept))) > 0) {
        size_t size = kept + (size_t)got;
        look_at(chunk, size, before, marks);
        kept = size < OVERLAP ? size : OVERLAP;
        memmove(chunk, chunk + size - kept, kept);
        before += size - kept;
    }
    free(chunk);
    return got == 0;
}
