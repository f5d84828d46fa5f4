/*
 * A connection to Redis, for one thread and one call: opened, asked, closed. Whatever the server does, it is
 * over at the deadline.
 */
#ifndef TLSGRAFT_STORE_REDIS_LINK_H
#define TLSGRAFT_STORE_REDIS_LINK_H

#include <stdint.h>

#include "policy/store_kind.h"
#include "policy/store_redis_reply.h"

struct redis_link {
    const struct store_settings *store;
    char *why;
    int descriptor; /* -1: it is closed */
    int64_t deadline;
    unsigned timeout_ms;         /* that the deadline was set from, for messages */
    struct redis_parser *parser; /* NULL: it is closed */
    char *out;                   /* what is to be sent */
    size_t out_length;
    size_t out_room;
    size_t out_sent;
    enum store_fault fault; /* of the last attempt to connect */
    bool was_too_long;      /* it was closed because of a reply that is longer than a record may be */
    char entry_id[REDIS_ENTRY_ID_SIZE]; /* then: redis_parser_entry_id() */
};

/* For a call that ends in `timeout_ms`. `store` and `why` must outlive it. Then redis_link_close(), always.
 */
void redis_link_init(struct redis_link *link, const struct store_settings *store, unsigned timeout_ms,
                     char *why);

/* The next exchange has the whole time again. */
void redis_link_renew(struct redis_link *link);

/* Connects, authenticates, selects the database. False: `why` tells. */
bool redis_link_open(struct redis_link *link);

/* Closes it; it may be opened again. */
void redis_link_close(struct redis_link *link);

/* A word of a command. */
struct redis_word {
    const char *data;
    size_t length;
};
static inline struct redis_word redis_word(const char *text)
{
    return (struct redis_word){text, __builtin_strlen(text)};
}

/* Adds a command to what is sent by the next redis_link_reply(). False: memory is short; `why` tells. */
enum { REDIS_WORDS_MAX = 8 };
bool redis_link_add(struct redis_link *link, const struct redis_word *words, size_t count);

/* The same for words that are texts; NULL ends them. */
bool redis_link_add_texts(struct redis_link *link, ...) __attribute__((sentinel));

/* Sends what was added, so that the descriptor is readable when the reply has come. False: `why` tells. */
bool redis_link_send(struct redis_link *link);

/* The next reply; an error of the server is one. NULL: none came, and it is closed; `why` tells. */
struct redis_reply *redis_link_reply(struct redis_link *link);

/* The same, but NULL, and `why`, also for one of another type. The link stays open then. */
struct redis_reply *redis_link_expect(struct redis_link *link, enum redis_type type);

/* Writes into `why` what an error of the server means, and what is to be done. STORE_FAILED. */
enum store_result redis_error_fail(const struct redis_reply *error, char *why);

#endif
