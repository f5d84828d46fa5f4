/*
 * Functions of libc that are not bound, because each costs every process at its start: the loader searches
 * for it, and some (time, gettimeofday, __memcpy_chk) are chosen by a function of libc that is called then.
 * The linker leads their callers, most of them in the libraries that are linked in, here (--wrap, see
 * CMakeLists.txt).
 */
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

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

SPARED(void *, __memcpy_chk, void *to, const void *from, size_t length, size_t size)
{
    check(length, size);
    return memcpy(to, from, length);
}

SPARED(char *, __strcat_chk, char *to, const char *from, size_t size)
{
    size_t before = strlen(to);
    size_t length = strlen(from) + 1;
    check(length, size < before ? 0 : size - before);
    memcpy(to + before, from, length);
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
