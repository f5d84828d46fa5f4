/* Cooldowns as keys that end by themselves: SET NX EX (https://redis.io/commands/set). */
#include <stdio.h>
#include <string.h>

#include "policy/cooldown_kind.h"
#include "policy/store_redis_ask.h"

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

static enum cooldown_answer answer_of(const struct redis_reply *reply, char *why)
{
    if (reply->type == REDIS_IS_STATUS)
        return COOLDOWN_BEGINS;
    if (reply->type == REDIS_IS_NIL)
        return COOLDOWN_RUNS;
    if (reply->type == REDIS_IS_ERROR)
        redis_error_fail(reply, why);
    else
        store_fail(why, "it answers something else than it was asked; is it Redis that listens there?");
    return COOLDOWN_UNKNOWN;
}

/* One that has just ended is asked for again at the next use; one without an end, which is not ours, later.
 */
static int64_t left_of(const struct store_settings *store, const char *key, int64_t most,
                       struct records_wait *wait, char *why)
{
    enum { PTTL_NO_END = -1 };
    const struct redis_word words[] = {redis_word("PTTL"), redis_word(key)};
    struct redis_reply *reply = redis_ask(store, wait, words, sizeof words / sizeof *words, why);
    int64_t left = reply == NULL || reply->type != REDIS_IS_INTEGER ? 1 : reply->integer;
    redis_reply_free(reply);
    if (left == PTTL_NO_END || left > most)
        return most;
    return left < 1 ? 1 : left;
}

enum cooldown_answer cooldown_in_redis(const struct store_settings *store, const struct cooldown *cooldown,
                                       struct records_wait *wait, int64_t *left_ms, char *why)
{
    char key[KEY_SIZE];
    char seconds[NUMBER_SIZE];
    write_key(cooldown, key);
    snprintf(seconds, sizeof seconds, "%u", cooldown->seconds);
    const struct redis_word words[] = {redis_word("SET"), redis_word(key),  redis_word("1"),
                                       redis_word("NX"),  redis_word("EX"), redis_word(seconds)};
    struct redis_reply *reply = redis_ask(store, wait, words, sizeof words / sizeof *words, why);
    enum cooldown_answer answer = reply == NULL ? COOLDOWN_UNKNOWN : answer_of(reply, why);
    redis_reply_free(reply);
    if (answer == COOLDOWN_RUNS)
        *left_ms = left_of(store, key, (int64_t)cooldown->seconds * 1000, wait, why);
    return answer;
}
