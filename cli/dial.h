/* A TCP connection to a host, within a time. */
#ifndef TLSGRAFT_DIAL_H
#define TLSGRAFT_DIAL_H

#include <stddef.h>
#include <time.h>

#include "cli/host.h"

/*
 * Resolves the name, and connects to the first of its addresses that answers. A descriptor that does not
 * block, of the caller; -1: none, and `why` is `WHY; WHAT TO DO`. The time for resolving is the resolver's;
 * connecting takes `milliseconds` at most, and `*deadline` is when these are over.
 */
int dial(const struct host *host, int milliseconds, struct timespec *deadline, char *why, size_t size);

#endif
