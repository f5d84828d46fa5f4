/* A Redis that refuses, and servers that are none or worse. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "policy/record.h"
#include "tests/unit/redis.h"
#include "tests/unit/stores.h"
#include "tests/unit/support.h"

TestSuite(store_faults, .init = fixture_make, .fini = fixture_clean);

/* Each call on `store` fails with the words, keeps errno, raises no signal and leaves no descriptor. */
static void expect_all_fail(const struct store_settings *store, const char *words)
{
    struct store_text text;
    signal(SIGPIPE, SIG_DFL);
    int lowest = dup(0);
    close(lowest);
    errno = 4711;
    cr_expect_eq(stores_read(store, stores_id(ORGANISATION, 1), &text), STORE_FAILED);
    cr_expect_not_null(strstr(why, words), "read: %s", why);
    cr_expect_null(text.text);
    cr_expect_eq(stores_write(store, ORGANISATION, 1), STORE_FAILED);
    cr_expect_not_null(strstr(why, words), "write: %s", why);
    cr_expect_eq(store_delete(store, ORGANISATION, stores_id(ORGANISATION, 1), why), STORE_FAILED);
    cr_expect_not_null(strstr(why, words), "delete: %s", why);
    cr_expect_eq(store_list(store, ORGANISATION, NULL, NULL, why), STORE_FAILED);
    cr_expect_not_null(strstr(why, words), "list: %s", why);
    cr_expect_eq(errno, 4711);
    int now = dup(0);
    cr_expect_eq(now, lowest, "a descriptor is left open");
    close(now);
}

static void expect_answer_fails(const char *answer, size_t length, enum mock_then then, const char *words)
{
    struct mock mock;
    mock_start(&mock, answer, length, then);
    struct store_settings store = redis_by_port(mock.port);
    expect_all_fail(&store, words);
    mock_kill(&mock);
}

static void expect_error_means(const char *answer, const char *words)
{
    expect_answer_fails(answer, strlen(answer), MOCK_WAITS, words);
}

Test(store_faults, nobody_is_there)
{
    struct redis redis = {.port = 0};
    struct mock mock;
    mock_start(&mock, "", 0, MOCK_CLOSES);
    mock_kill(&mock);
    struct store_settings store = redis_by_port(mock.port);
    expect_all_fail(&store, "nothing listens there; start it, or set 'address'");
    snprintf(redis.socket, sizeof redis.socket, "%s/redis", directory.path);
    store = redis_by_socket(&redis);
    expect_all_fail(&store, "there is no such socket");
    store.address_count = 0;
    expect_all_fail(&store, "its name has no address");
}

Test(store_faults, the_next_address_is_tried)
{
    struct redis redis;
    struct mock mock;
    redis_start(&redis, NULL);
    mock_start(&mock, "", 0, MOCK_CLOSES);
    mock_kill(&mock);
    struct store_settings store = redis_by_port(mock.port);
    struct store_settings other = redis_by_port(redis.port);
    store.addresses[1] = other.addresses[0];
    store.address_count = 2;
    cr_expect_eq(stores_write(&store, "", 1), STORE_DONE, "%s", why);
    redis_stop(&redis);
}

Test(store_faults, passwords)
{
    struct redis redis;
    redis_start(&redis, "right");
    struct store_settings store = redis_by_socket(&redis);
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_DONE, "%s", why);
    store.password = NULL;
    expect_all_fail(&store, "it wants a password; set 'password_file'");
    store.password = "wrong";
    store.password_length = 5;
    expect_all_fail(&store, "it refuses the username or the password");
    redis_cli(&redis, "ACL SETUSER reader on '>secret' '~cert-*' +get");
    store.username = "reader";
    store.password = "secret";
    store.password_length = 6;
    cr_expect(stores_has(&store, ORGANISATION, 1), "%s", why);
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_FAILED);
    cr_expect_not_null(strstr(why, "its user may not do this; allow it (ACL SETUSER)"), "%s", why);
    redis_cli(&redis, "CONFIG SET requirepass ''");
    store.username = NULL;
    expect_all_fail(&store, "it has no password; take 'password_file' out");
    redis_stop(&redis);
}

Test(store_faults, what_a_redis_may_refuse)
{
    struct redis redis;
    redis_start(&redis, NULL);
    struct store_settings store = redis_by_socket(&redis);
    store.database = 99;
    expect_all_fail(&store, "it has no database of that number");
    store.database = 0;
    redis_cli(&redis, "REPLICAOF 127.0.0.1 1");
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_FAILED);
    cr_expect_not_null(strstr(why, "it is a replica, which nothing is written to"), "%s", why);
    redis_cli(&redis, "REPLICAOF NO ONE");
    redis_cli(&redis, "CONFIG SET maxmemory 1");
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_FAILED);
    cr_expect_not_null(strstr(why, "it has no memory left; raise its 'maxmemory'"), "%s", why);
    redis_cli(&redis, "CONFIG SET maxmemory 0");
    cr_expect_str_eq(redis_cli(&redis, "DBSIZE"), "0");
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_DONE);
    /* Stopped while it is up: a call later it is back. */
    kill(redis.process, SIGSTOP);
    store.timeout_ms = 200;
    expect_all_fail(&store, "it does not answer within 200 ms");
    kill(redis.process, SIGCONT);
    store.timeout_ms = 5000;
    cr_expect(stores_has(&store, ORGANISATION, 1));
    redis_stop(&redis);
    expect_all_fail(&store, "nothing listens there");
}

Test(store_faults, errors_have_words_of_their_own)
{
    expect_error_means("-NOAUTH Authentication required.\r\n", "it wants a password");
    expect_error_means("-LOADING Redis is loading the dataset in memory\r\n", "it is still loading its data");
    expect_error_means("-MOVED 3999 127.0.0.1:6381\r\n", "it is a Redis Cluster");
    expect_error_means("-DENIED Redis is running in protected mode\r\n",
                       "connections of its own machine only");
    expect_error_means("-ERR max number of clients reached\r\n", "as many clients as it takes");
    expect_error_means("-XYZ \x1b[2J\xff\r\n", "it answers with an error: XYZ ?[2J?");
    expect_answer_fails("-DENIED protected\r\n", 19, MOCK_CLOSES, "connections of its own machine only");
}

Test(store_faults, nonsense)
{
    static const char *const answers[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\x15\x03\x03\x02\x02",
        "*1000000000\r\n",
        "*4294967297\r\n",
        "*2\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        "$-2\r\n",
        "$99999999999999999999999\r\n",
        ":\r\n",
        "%1\r\n+a\r\n+b\r\n",
        ",1.5\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        expect_answer_fails(answers[i], strlen(answers[i]), MOCK_WAITS, "it answers nonsense");
    expect_answer_fails(":1\r\n", 4, MOCK_WAITS, "something else than ");
    expect_answer_fails("*1\r\n:1\r\n", 8, MOCK_WAITS, "something else than ");
}

Test(store_faults, half_an_answer)
{
    expect_answer_fails("$100\r\nabc", 9, MOCK_CLOSES, "it closed the connection in the middle of an answer");
    expect_answer_fails("", 0, MOCK_CLOSES, "it closed the connection without an answer");
    /* What came before counts. */
    const char *const ids[] = {stores_id("", 1), stores_id("", 2), stores_id("", 3)};
    enum store_result results[3];
    struct store_text texts[3];
    struct mock mock;
    mock_start(&mock, "$1\r\nx\r\n$-1\r\n$5\r\nab", 19, MOCK_CLOSES);
    struct store_settings store = redis_by_port(mock.port);
    store_read(&store, ids, 3, 5000, results, texts, why);
    cr_expect(results[0] == STORE_DONE && results[1] == STORE_ABSENT && results[2] == STORE_FAILED);
    cr_expect_str_eq(texts[0].text, "x");
    free(texts[0].text);
    mock_kill(&mock);
}

/* The server ends with 0 if the client left before the last of very many bytes had come. */
static void expect_left(const char *answer, enum mock_then then, unsigned timeout_ms, const char *words)
{
    struct mock mock;
    struct store_text text;
    mock_start(&mock, answer, strlen(answer), then);
    struct store_settings store = redis_by_port(mock.port);
    store.timeout_ms = timeout_ms;
    cr_expect_eq(stores_read(&store, stores_id("", 1), &text), STORE_FAILED);
    cr_expect_not_null(strstr(why, words), "%s", why);
    cr_expect_eq(mock_status(&mock), 0);
}

Test(store_faults, a_drip_is_over_at_the_deadline)
{
    expect_left("$1000000\r\n", MOCK_DRIPS, 300, "it does not answer within 300 ms");
    expect_left("+", MOCK_DRIPS, 300, "it does not answer within 300 ms");
    expect_left("$", MOCK_DRIPS, 300, "it does not answer within 300 ms");
    /* A bulk of 2^40 bytes that are not coming. */
    expect_left("$1099511627776\r\n", MOCK_DRIPS, 300, "it does not answer within 300 ms");
}

Test(store_faults, a_flood_costs_no_memory)
{
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit limit = {256 << 20, 256 << 20};
    cr_assert_eq(setrlimit(RLIMIT_DATA, &limit), 0);
#endif
    expect_left("$1099511627776\r\n", MOCK_FLOODS, 60000, "more bytes than a record may have");
    expect_left("+", MOCK_FLOODS, 60000, "more bytes than a record may have");
    expect_left("*60000\r\n$2000000\r\n", MOCK_FLOODS, 60000, "more bytes than a record may have");
}

Test(store_faults, standard_descriptors_that_are_closed_stay_so)
{
    struct redis redis;
    redis_start(&redis, NULL);
    struct store_settings store = redis_by_socket(&redis);
    stores_write(&store, "", 1);
    int saved = dup(0);
    close(0);
    cr_expect(stores_has(&store, "", 1));
    cr_expect_eq(fcntl(0, F_GETFD), -1);
    dup2(saved, 0);
    redis_stop(&redis);
}

/* SCAN may tell a key more than once; a server that is asked while it grows does. */
Test(store_faults, what_a_search_finds_twice_is_listed_once)
{
    char answer[512];
    char expected[128];
    const char *id = stores_id("", 1);
    struct mock mock;
    int length =
        snprintf(answer, sizeof answer,
                 "*2\r\n$1\r\n0\r\n*2\r\n$73\r\ncert-raw-%s\r\n$73\r\ncert-raw-%s\r\n$1\r\nx\r\n", id, id);
    mock_start(&mock, answer, (size_t)length, MOCK_WAITS);
    struct store_settings store = redis_by_port(mock.port);
    snprintf(expected, sizeof expected, "%s ", id);
    cr_expect_str_eq(stores_listed(&store, ""), expected);
    mock_kill(&mock);
}
