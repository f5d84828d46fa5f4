/*
 * Bytes as the answers of a Redis server. The first byte says in which portions they come: parts must give
 * the same replies as the whole.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/record.h"
#include "policy/store_redis_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number that two equal sequences of replies have in common. */
struct digest {
    uint64_t value;
    size_t replies;
    enum redis_parsed end;
};

static void mix(struct digest *digest, uint64_t value)
{
    digest->value = (digest->value ^ value) * UINT64_C(1099511628211);
}

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_redis_reply: %s\n", what);
    abort();
}

static void look(struct digest *digest, const struct redis_reply *reply, int depth)
{
    check(depth <= REDIS_DEPTH_MAX, "arrays are deeper than they may be");
    mix(digest, (uint64_t)reply->type);
    mix(digest, (uint64_t)reply->integer);
    mix(digest, reply->count);
    bool has_text =
        reply->type == REDIS_IS_TEXT || reply->type == REDIS_IS_STATUS || reply->type == REDIS_IS_ERROR;
    check(has_text == (reply->text != NULL), "a text where there is none, or none where there is one");
    check(reply->length <= RECORD_TEXT_MAX, "a text is longer than it may be");
    check(reply->count == 0 || reply->type == REDIS_IS_ARRAY, "elements of something else");
    for (size_t i = 0; i < reply->length; i++)
        mix(digest, (unsigned char)reply->text[i]);
    check(!has_text || reply->text[reply->length] == '\0', "a text has no end");
    for (size_t i = 0; i < reply->count; i++) {
        check(reply->elements[i] != NULL, "an element is missing");
        look(digest, reply->elements[i], depth + 1);
    }
}

/* Takes what is whole. False: nothing more can be parsed. */
static bool take(struct redis_parser *parser, struct digest *digest)
{
    struct redis_reply *reply;
    while ((digest->end = redis_parser_next(parser, &reply)) == REDIS_PARSED) {
        look(digest, reply, 0);
        redis_reply_free(reply);
        digest->replies++;
    }
    return digest->end == REDIS_MORE;
}

static struct digest parse(const char *bytes, size_t size, size_t portion)
{
    struct digest digest = {.end = REDIS_MORE};
    struct redis_parser *parser = redis_parser_new();
    check(parser != NULL, "memory is short");
    bool more = true;
    while (more && size > 0) {
        size_t length = size < portion ? size : portion;
        check(redis_parser_feed(parser, bytes, length), "memory is short");
        more = take(parser, &digest);
        bytes += length;
        size -= length;
    }
    redis_parser_free(parser);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *bytes = (const char *)data + 1;
    struct digest whole = parse(bytes, size - 1, REDIS_FEED_MAX);
    struct digest parts = parse(bytes, size - 1, (size_t)data[0] + 1);
    check(whole.value == parts.value && whole.replies == parts.replies && whole.end == parts.end,
          "other portions, other replies");
    return 0;
}
