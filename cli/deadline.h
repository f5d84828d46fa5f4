/* How long something that waits may still take. No state; thread-safe. */
#ifndef TLSGRAFT_DEADLINE_H
#define TLSGRAFT_DEADLINE_H

#include <time.h>

/* That many milliseconds from now, of CLOCK_MONOTONIC. */
struct timespec deadline_in(int milliseconds);

/* How many milliseconds are left; 0: it has passed. For poll(2). */
int deadline_left(const struct timespec *deadline);

#endif
