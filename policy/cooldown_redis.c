/* Cooldowns as keys that end by themselves: SET NX EX (https://redis.io/commands/set). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/cooldown_kind.h"
#include "policy/store_redis_ask.h"
#include "policy/text.h"

enum { KEY_SIZE = 128, NUMBER_SIZE = 24 };

static void write_key(const struct cooldown *cooldown, char key[KEY_SIZE])
{
    int length = snprintf(key, KEY_SIZE, "tlsgraft:cooldown:%s:", cooldown_name(cooldown->kind));
    text_hex(cooldown->fingerprint, COOLDOWN_FINGERPRINT, key + length);
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

/* Told from those of other processes and machines, so that nobody gives back what is another's. */
static uint64_t new_mark(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) ^ (uint64_t)getpid() << 40;
}

static void write_mark(uint64_t mark, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%016" PRIx64, mark);
}

enum cooldown_answer cooldown_in_redis(const struct store_settings *store, const struct cooldown *cooldown,
                                       struct records_wait *wait, struct cooldown_state *state, char *why)
{
    char key[KEY_SIZE];
    char seconds[NUMBER_SIZE];
    char mark[NUMBER_SIZE];
    state->mark = new_mark();
    write_key(cooldown, key);
    write_mark(state->mark, mark);
    snprintf(seconds, sizeof seconds, "%u", cooldown->seconds);
    const struct redis_word words[] = {redis_word("SET"), redis_word(key),  redis_word(mark),
                                       redis_word("NX"),  redis_word("EX"), redis_word(seconds)};
    struct redis_reply *reply = redis_ask(store, wait, words, sizeof words / sizeof *words, why);
    enum cooldown_answer answer = reply == NULL ? COOLDOWN_UNKNOWN : answer_of(reply, why);
    redis_reply_free(reply);
    if (answer == COOLDOWN_RUNS)
        state->left_ms = left_of(store, key, (int64_t)cooldown->seconds * 1000, wait, why);
    return answer;
}

/* Should it end, and another one begin, between the two commands, that one is lost: an event too many. */
void cooldown_back_in_redis(const struct store_settings *store, const struct cooldown *cooldown,
                            struct records_wait *wait, uint64_t mark)
{
    char key[KEY_SIZE];
    char own[NUMBER_SIZE];
    char why[STORE_WHY_SIZE];
    write_key(cooldown, key);
    write_mark(mark, own);
    const struct redis_word get[] = {redis_word("GET"), redis_word(key)};
    const struct redis_word del[] = {redis_word("DEL"), redis_word(key)};
    struct redis_reply *reply = redis_ask(store, wait, get, sizeof get / sizeof *get, why);
    bool is_own = reply != NULL && reply->type == REDIS_IS_TEXT && reply->length == strlen(own) &&
                  memcmp(reply->text, own, reply->length) == 0;
    redis_reply_free(reply);
    if (is_own)
        redis_reply_free(redis_ask(store, wait, del, sizeof del / sizeof *del, why));
}
