/*
 * Functions of libc that are not bound, because each costs every process at its start: the loader searches
 * for it, and some (time, gettimeofday, __memcpy_chk) are chosen by a function of libc that is called then.
 * The linker leads their callers, most of them in the libraries that are linked in, here (--wrap, see
 * CMakeLists.txt).
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "preload/spared.h"

SPARED(time_t, time, time_t *also)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (also != NULL)
        *also = now.tv_sec;
    return now.tv_sec;
}

/* libc's own memmove(3) is its memcpy(3). */
SPARED(void *, memcpy, void *to, const void *from, size_t length)
{
    return memmove(to, from, length);
}

SPARED(char *, strcpy, char *to, const char *from)
{
    return memmove(to, from, strlen(from) + 1);
}

SPARED(char *, stpcpy, char *to, const char *from)
{
    size_t length = strlen(from);
    memmove(to, from, length + 1);
    return to + length;
}

SPARED(size_t, strnlen, const char *text, size_t most)
{
    const char *end = memchr(text, '\0', most);
    return end == NULL ? most : (size_t)(end - text);
}

static char *duplicate(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    memmove(copy, text, length);
    copy[length] = '\0';
    return copy;
}

SPARED(char *, strdup, const char *text)
{
    return duplicate(text, strlen(text));
}

SPARED(char *, strndup, const char *text, size_t most)
{
    const char *end = memchr(text, '\0', most);
    return duplicate(text, end == NULL ? most : (size_t)(end - text));
}

SPARED(char *, strrchr, const char *text, int character)
{
    const char *found = NULL;
    do {
        if (*text == (char)character)
            found = text;
    } while (*text++ != '\0');
    return (char *)found;
}

SPARED(size_t, strspn, const char *text, const char *accept)
{
    size_t length = 0;
    while (text[length] != '\0' && strchr(accept, text[length]) != NULL)
        length++;
    return length;
}

SPARED(int, strcasecmp, const char *a, const char *b)
{
    return strncasecmp(a, b, SIZE_MAX);
}

/* A set of signals, as the kernel and every libc of Linux keep it: a bit for each, from signal 1 on. */
#define SIGNALS_IN_WORD (CHAR_BIT * sizeof(unsigned long))

static unsigned long *word_of(const sigset_t *set, int signal)
{
    return (unsigned long *)set + (size_t)(signal - 1) / SIGNALS_IN_WORD;
}

static unsigned long bit_of(int signal)
{
    return 1UL << (size_t)(signal - 1) % SIGNALS_IN_WORD;
}

SPARED(int, sigemptyset, sigset_t *set)
{
    memset(set, 0, sizeof *set);
    return 0;
}

SPARED(int, sigfillset, sigset_t *set)
{
    memset(set, UCHAR_MAX, sizeof *set);
    return 0;
}

SPARED(int, sigaddset, sigset_t *set, int signal)
{
    *word_of(set, signal) |= bit_of(signal);
    return 0;
}

SPARED(int, sigismember, const sigset_t *set, int signal)
{
    return (*word_of(set, signal) & bit_of(signal)) != 0;
}

/* What the calls with a directory do with that of the process. */
SPARED(int, open, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode = 0;
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return openat(AT_FDCWD, path, flags, mode);
}

SPARED(int, stat, const char *path, struct stat *status)
{
    return fstatat(AT_FDCWD, path, status, 0);
}

SPARED(int, lstat, const char *path, struct stat *status)
{
    return fstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

SPARED(int, chmod, const char *path, mode_t mode)
{
    return fchmodat(AT_FDCWD, path, mode, 0);
}

SPARED(int, mkdir, const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

SPARED(int, unlink, const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

SPARED(int, rename, const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

SPARED(int, snprintf, char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return result;
}

SPARED(int, asprintf, char **to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    *to = length < 0 ? NULL : malloc((size_t)length + 1);
    if (*to == NULL)
        return -1;
    va_start(arguments, format);
    length = vsnprintf(*to, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return length;
}

#if LONG_MAX == LLONG_MAX
SPARED(long long, strtoll, const char *text, char **end, int base)
{
    return strtol(text, end, base);
}

SPARED(unsigned long long, strtoull, const char *text, char **end, int base)
{
    return strtoul(text, end, base);
}
#endif
