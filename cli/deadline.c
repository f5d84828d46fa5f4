#include "cli/deadline.h"

enum { NANOSECONDS = 1000000000, NANOSECONDS_IN_MILLISECOND = 1000000 };

struct timespec deadline_in(int milliseconds)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += milliseconds / 1000;
    deadline.tv_nsec += (long)(milliseconds % 1000) * NANOSECONDS_IN_MILLISECOND;
    if (deadline.tv_nsec >= NANOSECONDS) {
        deadline.tv_nsec -= NANOSECONDS;
        deadline.tv_sec++;
    }
    return deadline;
}

int deadline_left(const struct timespec *deadline)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long left = ((long long)deadline->tv_sec - now.tv_sec) * 1000 +
                     (deadline->tv_nsec - now.tv_nsec) / NANOSECONDS_IN_MILLISECOND;
    return left > 0 ? (int)left : 0;
}
