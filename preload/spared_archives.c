/*
 * As spared.c, of what only the libraries that are linked in call: with _FORTIFY_SOURCE, or in parts that
 * nobody reaches.
 */
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "preload/spared.h"

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

/* No caller's text is longer than its buffer. */
SPARED(int, sprintf, char *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = vsnprintf(to, INT_MAX, format, arguments);
    va_end(arguments);
    return result;
}

/* What _FORTIFY_SOURCE makes of calls in the archives. As there, what does not fit ends the process. */
static void check(size_t needed, size_t size)
{
    if (needed > size)
        __builtin_trap();
}

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
