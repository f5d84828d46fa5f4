/*
 * What a Redis server answers: bytes -> replies, in bounded memory whatever it sends (RESP2, the protocol of
 * https://redis.io/docs/reference/protocol-spec). No input or output. One parser belongs to one thread.
 */
#ifndef TLSGRAFT_STORE_REDIS_REPLY_H
#define TLSGRAFT_STORE_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

enum redis_type {
    REDIS_IS_STATUS,
    REDIS_IS_ERROR,
    REDIS_IS_INTEGER,
    REDIS_IS_TEXT,
    REDIS_IS_NIL,
    REDIS_IS_ARRAY,
};

enum { REDIS_DEPTH_MAX = 5 }; /* that of XREAD */

struct redis_reply {
    enum redis_type type;
    long long integer;
    char *text; /* of a text, a status, an error: malloc(3), NUL-terminated; may be taken out (set to NULL) */
    size_t length;
    struct redis_reply **elements; /* of an array, REDIS_DEPTH_MAX deep at most; none is NULL */
    size_t count;
};

void redis_reply_free(struct redis_reply *reply); /* NULL is allowed */

struct redis_parser;

/* NULL: memory is short. */
struct redis_parser *redis_parser_new(void);
void redis_parser_free(struct redis_parser *parser); /* NULL is allowed */

enum redis_parsed {
    REDIS_PARSED,   /* `*reply` is the caller's */
    REDIS_MORE,     /* there is none whole yet */
    REDIS_TOO_LONG, /* a reply is longer than a record may be */
    REDIS_NONSENSE, /* no reply at all, or none to anything that is asked here */
    REDIS_NO_MEMORY
};

/*
 * Adds bytes; at most REDIS_FEED_MAX at once, and the replies that are whole are to be taken before the next.
 * After any of the last three results nothing more can be parsed.
 */
enum { REDIS_FEED_MAX = 4096 };
bool redis_parser_feed(struct redis_parser *parser, const char *bytes, size_t length);
enum redis_parsed redis_parser_next(struct redis_parser *parser, struct redis_reply **reply);

/* Has a part of a reply come? */
bool redis_parser_is_amid(const struct redis_parser *parser);

/*
 * After REDIS_TOO_LONG, of an answer to XREAD: the id of the entry in which it became so. Of the parser; "":
 * none had come.
 */
enum { REDIS_ENTRY_ID_SIZE = 64 };
const char *redis_parser_entry_id(const struct redis_parser *parser);

#endif
