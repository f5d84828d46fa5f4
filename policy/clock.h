/* The clocks of clock_gettime(2), in milliseconds. No state; thread-safe. */
#ifndef TLSGRAFT_CLOCK_H
#define TLSGRAFT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
