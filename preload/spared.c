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
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SPARED(result, name, ...)                                                                            \
    result __wrap_##name(__VA_ARGS__); /* NOLINT(bugprone-reserved-identifier) */                            \
    result __wrap_##name(__VA_ARGS__)  /* NOLINT(bugprone-reserved-identifier) */

SPARED(time_t, time, time_t *also)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (also != NULL)
        *also = now.tv_sec;
    return now.tv_sec;
}

/* For the seed of jansson's hash tables. */
SPARED(int, gettimeofday, struct timeval *time, void *zone)
{
    struct timespec now = {0, 0};
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = (suseconds_t)(now.tv_nsec / 1000);
    return result;
}

/* What _FORTIFY_SOURCE makes of calls in the archives. As there, what does not fit ends the process. */
static void check(size_t needed, size_t size)
{
    if (needed > size)
        __builtin_trap();
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

/* For the texts of jansson's errors. */
SPARED(char *, strncpy, char *to, const char *from, size_t size)
{
    size_t i = 0;
    for (; i < size && from[i] != '\0'; i++)
        to[i] = from[i];
    for (; i < size; i++)
        to[i] = '\0';
    return to;
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

/* No caller's text is longer than its buffer. */
SPARED(int, sprintf, char *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = vsnprintf(to, INT_MAX, format, arguments);
    va_end(arguments);
    return result;
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

SPARED(void *, __memcpy_chk, void *to, const void *from, size_t length, size_t size)
{
    check(length, size);
    return memmove(to, from, length);
}

SPARED(char *, __strcat_chk, char *to, const char *from, size_t size)
{
    size_t before = strlen(to);
    size_t length = strlen(from) + 1;
    check(length, size < before ? 0 : size - before);
    memmove(to + before, from, length);
    return to;
}

SPARED(int, __vsnprintf_chk, char *to, size_t length, int flag, size_t size, const char *format,
       va_list arguments)
{
    (void)flag;
    check(length, size);
    return vsnprintf(to, length, format, arguments);
}

SPARED(int, __snprintf_chk, char *to, size_t length, int flag, size_t size, const char *format, ...)
{
    va_list arguments;
    (void)flag;
    check(length, size);
    va_start(arguments, format);
    int result = vsnprintf(to, length, format, arguments);
    va_end(arguments);
    return result;
}

/* vsprintf(3) has no end; a size that is not known is SIZE_MAX. */
SPARED(int, __sprintf_chk, char *to, int flag, size_t size, const char *format, ...)
{
    va_list arguments;
    (void)flag;
    va_start(arguments, format);
    int result = vsnprintf(to, size < INT_MAX ? size : INT_MAX, format, arguments);
    va_end(arguments);
    check(result < 0 ? 0 : (size_t)result + 1, size);
    return result;
}

/* The parts of hiredis and jansson that call these are called by nobody: they connect, and write files. */
#define UNUSED(name)                                                                                         \
    SPARED(_Noreturn void, name, void)                                                                       \
    {                                                                                                        \
        __builtin_trap();                                                                                    \
    }
UNUSED(bind)
UNUSED(fopen)
UNUSED(fclose)
UNUSED(fwrite)
UNUSED(strerror)
UNUSED(__xpg_strerror_r)
UNUSED(__ctype_tolower_loc)
UNUSED(__ctype_toupper_loc)
/* What ends the process, of libraries that were led to harm. */
UNUSED(__assert_fail)
UNUSED(abort)
