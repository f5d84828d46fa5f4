/*
 * A preload that makes allocations fail, on purpose: of those that this thread makes while it is armed, one
 * (and, if asked, all after it) answers NULL. The host finds fail_at() and fail_armed() by dlsym.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* glibc's own, under the names that no one interposes. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void fail_at(unsigned long number, bool ever_after);
void fail_armed(bool on);
unsigned long fail_count(void);

static _Thread_local struct {
    unsigned long left; /* allocations before the one that fails; 0: none fails any more */
    unsigned long failed;
    bool ever_after;
    bool armed;
} state;

/* The allocation of this number fails, from 1; counting goes on over several armed stretches. */
void fail_at(unsigned long number, bool ever_after)
{
    state.left = number;
    state.failed = 0;
    state.ever_after = ever_after;
}

void fail_armed(bool on)
{
    state.armed = on;
}

/* How many were made to fail since fail_at(). */
unsigned long fail_count(void)
{
    return state.failed;
}

static bool fails(void)
{
    if (!state.armed || state.left == 0)
        return false;
    if (state.left > 1) {
        state.left--;
        return false;
    }
    if (!state.ever_after)
        state.left = 0;
    state.failed++;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}
