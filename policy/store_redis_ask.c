#include "policy/store_redis_ask.h"

#include <stdatomic.h>

#include "policy/clock.h"

/* Until when it is left alone; 0: it is not. A process has one store, but for the moment of a reload. */
static _Atomic int64_t alone_until;

/* A time that is further ahead is of a clock that went backwards. */
static bool is_left_alone(int64_t now)
{
    int64_t until = atomic_load(&alone_until);
    return now < until && until - now <= RECORDS_BACKOFF_MS;
}

static struct redis_reply *ask(struct redis_link *link, const struct redis_word *words, size_t count)
{
    struct redis_reply *reply = NULL;
    if (redis_link_open(link) && redis_link_add(link, words, count))
        reply = redis_link_reply(link);
    redis_link_close(link);
    return reply;
}

struct redis_reply *redis_ask(const struct store_settings *store, struct records_wait *wait,
                              const struct redis_word *words, size_t count, char *why)
{
    struct redis_link link;
    unsigned spent = wait == NULL ? 0 : wait->spent_ms;
    int64_t began = clock_ms(CLOCK_MONOTONIC);
    if (spent >= store->timeout_ms) {
        store_fail(why,
                   "the handshake has spent all the time that 'timeout_ms' in the section 'store' gives; "
                   "see why the store is slow, or raise that");
        return NULL;
    }
    if (is_left_alone(began)) {
        store_fail(why, "it did not answer just before, and is left alone for %d ms; see the message before",
                   RECORDS_BACKOFF_MS);
        return NULL;
    }
    if (store_is_out_of_root(store)) {
        store_fail(why, STORE_OUT_OF_ROOT);
        return NULL;
    }
    redis_link_init(&link, store, store->timeout_ms - spent, why);
    struct redis_reply *reply = ask(&link, words, count);
    int64_t now = clock_ms(CLOCK_MONOTONIC);
    if (wait != NULL && now > began)
        wait->spent_ms += (unsigned)(now - began);
    atomic_store(&alone_until, reply == NULL ? now + RECORDS_BACKOFF_MS : 0);
    return reply;
}
