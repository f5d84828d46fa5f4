/*
 * A question to the Redis of a policy in the middle of a handshake, which it may delay, but not for longer
 * than the store may. After a failed contact it is left alone for RECORDS_BACKOFF_MS.
 */
#ifndef TLSGRAFT_STORE_REDIS_ASK_H
#define TLSGRAFT_STORE_REDIS_ASK_H

#include "policy/records.h"
#include "policy/store_redis_link.h"

/*
 * Asks one command of `count` words. `wait`: what is left of `timeout_ms` is all that it may take, and what
 * it takes is added; NULL: `timeout_ms`. The reply is the caller's; an error of the server is one. NULL: none
 * came, and `why` (STORE_WHY_SIZE bytes) is half a sentence that tells. Between hostio_enter() and
 * hostio_leave(). Threads: any; no lock.
 */
struct redis_reply *redis_ask(const struct store_settings *store, struct records_wait *wait,
                              const struct redis_word *words, size_t count, char *why);

#endif
