/*
 * The recent connect(2) calls of this process, for connections whose bytes the program moves itself: OpenSSL
 * has no socket of them.
 *
 * Bounded; nothing is allocated. No lock: connect(2) may be called in a signal handler. Threads: any.
 */
#ifndef TLSGRAFT_CONNECTS_H
#define TLSGRAFT_CONNECTS_H

#include <stdint.h>

#include "policy/domain.h"

#define CONNECTS_MAX 64

struct connect_record {
    int descriptor;
    uint16_t port;
    char address[DOMAIN_ADDRESS_BYTES]; /* canonical */
};

/*
 * Remembers a connect(2) that succeeded or goes on; one to the unspecified address as what it reaches. Of
 * AF_UNIX nothing is kept but that there is one; other families do not count. What is not there any more
 * makes room.
 */
struct sockaddr;
void connects_remember(int descriptor, const struct sockaddr *address, size_t size);

/*
 * The recent ones, the newest first; of those on one descriptor the newest alone, for the others are over.
 * Returns how many.
 */
size_t connects_recent(struct connect_record recent[CONNECTS_MAX]);

/*
 * Was a connection forgotten that was still there, for want of room? It stays so. Then nothing can be said of
 * connections that are not among the recent ones.
 */
bool connects_are_incomplete(void);

/*
 * Is a stream of AF_UNIX open that was remembered, or was one forgotten for want of room? Leaves errno as it
 * was.
 */
bool connects_have_unix(void);

/* How many bytes a TCP socket has received; 0 where that is not known. Leaves errno as it was. */
uint64_t connect_received(int descriptor);

/* Is its descriptor still a TCP connection to this very peer? Leaves errno as it was. */
bool connect_is_open(const struct connect_record *record);

#endif
