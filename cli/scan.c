#include "cli/scan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

bool scan_file(int fd, scan_look *look, void *context)
{
    char *piece = malloc(PIECE);
    if (piece == NULL)
        return false;
    size_t before = 0; /* bytes of the file before the piece */
    size_t kept = 0;   /* bytes at its start that were looked at before */
    ssize_t got;
    while ((got = pread(fd, piece + kept, PIECE - kept, (off_t)(before + kept))) > 0) {
        size_t size = kept + (size_t)got;
        if (!look(context, piece, size, before)) {
            got = 0;
            break;
        }
        kept = size < SCAN_OVERLAP ? size : SCAN_OVERLAP;
        memmove(piece, piece + size - kept, kept);
        before += size - kept;
    }
    free(piece);
    return got == 0;
}

bool scan_stands(const char *at, size_t left, const char *text)
{
    size_t length = strlen(text);
    return length <= left && memcmp(at, text, length) == 0;
}
