/* Cooldowns as keys that end by themselves: SET NX EX (https://redis.io/commands/set). */
#include <stdio.h>
#include <string.h>

#include "policy/cooldown_kind.h"
#include "policy/store_redis_link.h"

enum { KEY_SIZE = 128, NUMBER_SIZE = 16 };

static void write_key(const struct cooldown *cooldown, char key[KEY_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    int length = snprintf(key, KEY_SIZE, "tlsgraft:cooldown:%s:", cooldown_name(cooldown->kind));
    char *out = key + length;
    for (size_t i = 0; i < COOLDOWN_FINGERPRINT; i++) {
        *out++ = digits[cooldown->fingerprint[i] >> 4];
        *out++ = digits[cooldown->fingerprint[i] & 0xF];
    }
    *out = '\0';
}

static enum cooldown_answer take_set(struct redis_link *link)
{
    struct redis_reply *reply = redis_link_reply(link);
    if (reply == NULL)
        return COOLDOWN_UNKNOWN;
    enum cooldown_answer answer = COOLDOWN_UNKNOWN;
    if (reply->type == REDIS_IS_STATUS)
        answer = COOLDOWN_BEGINS;
    else if (reply->type == REDIS_IS_NIL)
        answer = COOLDOWN_RUNS;
    else if (reply->type == REDIS_IS_ERROR)
        redis_error_fail(reply, link->why);
    else
        store_fail(link->why, "it answers something else than it was asked; is it Redis that listens there?");
    redis_reply_free(reply);
    return answer;
}

/* One that has just ended is asked for again at the next use; one without an end, which is not ours, later.
 */
static void take_left(struct redis_link *link, unsigned seconds, int64_t *left_ms)
{
    enum { PTTL_NO_END = -1 };
    struct redis_reply *reply = redis_link_expect(link, REDIS_IS_INTEGER);
    int64_t most = (int64_t)seconds * 1000;
    int64_t left = reply == NULL ? 1 : reply->integer;
    if (left == PTTL_NO_END || left > most)
        left = most;
    *left_ms = left < 1 ? 1 : left;
    redis_reply_free(reply);
}

enum cooldown_answer cooldown_in_redis(const struct store_settings *store, const struct cooldown *cooldown,
                                       unsigned timeout_ms, int64_t *left_ms, char *why)
{
    struct redis_link link;
    char key[KEY_SIZE];
    char seconds[NUMBER_SIZE];
    enum cooldown_answer answer = COOLDOWN_UNKNOWN;
    write_key(cooldown, key);
    snprintf(seconds, sizeof seconds, "%u", cooldown->seconds);
    redis_link_init(&link, store, timeout_ms, why);
    if (redis_link_open(&link) && redis_link_add_texts(&link, "SET", key, "1", "NX", "EX", seconds, NULL) &&
        redis_link_add_texts(&link, "PTTL", key, NULL))
        answer = take_set(&link);
    if (answer == COOLDOWN_RUNS)
        take_left(&link, cooldown->seconds, left_ms);
    redis_link_close(&link);
    return answer;
}
