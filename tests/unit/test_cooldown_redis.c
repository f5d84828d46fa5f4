/* Cooldowns in Redis, and in the directory where Redis is dead. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/cooldown_support.h"
#include "tests/unit/redis.h"

TestSuite(cooldown_redis, .init = cooldown_fixture_make, .fini = fixture_clean);

static bool has_key(const struct redis *redis, enum cooldown_kind kind, const char *tail)
{
    char words[192];
    snprintf(words, sizeof words, "ttl tlsgraft:cooldown:%s:%s", cooldown_name(kind), tail);
    long ttl = strtol(redis_cli(redis, words), NULL, 10);
    return ttl > SECONDS - 60 && ttl <= SECONDS;
}

static void use_redis(struct redis *redis)
{
    redis_start(redis, NULL);
    cooldown_policy.store = redis_by_socket(redis);
    cooldown_policy.store.type = STORE_REDIS;
    cooldown_policy.store.timeout_ms = 5000;
}

Test(cooldown_redis, in_redis_as_keys_that_end)
{
    static const char hex[] = "01abcdef00000000000000000000000000000000000000000000000000000000";
    static const unsigned char fingerprint[COOLDOWN_FINGERPRINT] = {0x01, 0xAB, 0xCD, 0xEF};
    struct redis redis = {0};
    use_redis(&redis);
    cr_expect(begins_within(COOLDOWN_CHECK, fingerprint, SECONDS));
    cr_expect(begins_within(COOLDOWN_EXPIRED, fingerprint, SECONDS));
    cr_expect(has_key(&redis, COOLDOWN_CHECK, hex));
    cr_expect(has_key(&redis, COOLDOWN_EXPIRED, hex));
    cr_expect_not(has_key(&redis, COOLDOWN_EXPIRING_SOON, hex));
    cr_expect(begins_within(COOLDOWN_EXPIRING_SOON, fingerprint, 0));
    cr_expect_str_eq(redis_cli(&redis, "dbsize"), "2");
    cr_expect_neq(access(state, F_OK), 0);
}

Test(cooldown_redis, one_that_is_given_back_to_redis_leaves_no_key)
{
    struct redis redis = {0};
    use_redis(&redis);
    cr_expect(begins_for(0));
    cooldown_give_back(&cooldown_policy, &begun, &waited);
    cr_expect_str_eq(redis_cli(&redis, "dbsize"), "0");
    cr_expect(begins_for(0));
    redis_cli(&redis,
              "set tlsgraft:cooldown:check:0000000000000000000000000000000000000000000000000000000000000000 "
              "another");
    cooldown_give_back(&cooldown_policy, &begun, &waited);
    cr_expect_str_eq(redis_cli(&redis, "dbsize"), "1", "that of another process");
    cr_expect_neq(access(state, F_OK), 0);
}

Test(cooldown_redis, in_redis_one_of_many_processes_goes_ahead)
{
    struct redis redis = {0};
    use_redis(&redis);
    cr_expect_eq(begun_at_once(begins_for), 50);
}

static bool runs_in_redis(unsigned number, int64_t *left)
{
    char why[STORE_WHY_SIZE];
    const struct cooldown cooldown = check_of(number);
    struct records_wait wait = {0};
    struct cooldown_state found = {0};
    bool runs = cooldown_in_redis(&cooldown_policy.store, &cooldown, &wait, &found, why) == COOLDOWN_RUNS;
    *left = found.left_ms;
    return runs;
}

Test(cooldown_redis, redis_tells_how_long_one_runs)
{
    struct redis redis = {0};
    int64_t left = 0;
    use_redis(&redis);
    cr_expect_not(runs_in_redis(0, &left));
    cr_expect(runs_in_redis(0, &left));
    cr_expect(left > MS - 60000 && left <= MS);
    redis_cli(&redis,
              "expire "
              "tlsgraft:cooldown:check:0000000000000000000000000000000000000000000000000000000000000000 "
              "100");
    cr_expect(runs_in_redis(0, &left));
    cr_expect(left > 40000 && left <= 100000);
    redis_cli(
        &redis,
        "persist tlsgraft:cooldown:check:0000000000000000000000000000000000000000000000000000000000000000");
    cr_expect(runs_in_redis(0, &left));
    cr_expect_eq(left, MS);
}

Test(cooldown_redis, where_redis_is_dead_the_directory_takes_over)
{
    struct redis redis = {0};
    use_redis(&redis);
    redis_stop(&redis);
    cr_expect(begins_for(1));
    cr_expect_eq(size_of(first_file), 2 * ENTRY);
    cr_expect_not(begins_for(1));
    cr_expect_eq(lines_of_log(), 0, "nobody needs to be told");
    cr_expect_eq(begun_at_once(begins_for), 49, "all but the one that has begun");
}

Test(cooldown_redis, a_redis_that_does_not_answer_takes_no_more_than_the_handshake_has)
{
    struct mock mock;
    mock_start(&mock, "", 0, MOCK_WAITS);
    cooldown_policy.store = redis_by_port(mock.port);
    cooldown_policy.store.timeout_ms = 30;
    cr_expect(begins_for(1));
    cr_expect_geq(waited.spent_ms, 30);
    cr_expect_eq(size_of(first_file), 2 * ENTRY);
    /* Nothing is left for it. */
    waited.spent_ms = 30;
    cr_expect(begins_within(COOLDOWN_EXPIRED, numbered(1), SECONDS));
    cr_expect_eq(size_of(first_file), 3 * ENTRY);
    mock_kill(&mock);
}
