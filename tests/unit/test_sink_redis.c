/* The sink that is a stream of Redis, in a real one, and where there is none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/event.h"
#include "policy/store_redis_ask.h"
#include "tests/unit/redis.h"
#include "tests/unit/support.h"

static struct redis redis;
static struct store_settings store;
static struct event_sinks sinks = {.redis_stream = "lab events", .redis_stream_maxlen = 100, .store = &store};
static struct reporter reporter = {.limit = EVENT_LIMIT_INITIAL};
static char events[128], log_file[128];

static void start(void)
{
    fixture_make();
    redis_start(&redis, "secret");
    store = redis_by_socket(&redis);
    store.password = "secret";
    store.password_length = strlen(store.password);
    snprintf(events, sizeof events, "%s/events", directory.path);
    snprintf(log_file, sizeof log_file, "%s/log", directory.path);
    reporter.level = LOG_LEVEL_ERROR;
    reporter.log_file = log_file;
}

static void stop(void)
{
    redis_stop(&redis);
    fixture_clean();
}

TestSuite(sink_redis, .init = start, .fini = stop);

static void raise_one(struct records_wait *wait)
{
    static const struct event_certificate certificate = {"0a", "a \"name\"\n", 0, 0, "server"};
    const struct event event = {
        .kind = EVENT_CERTIFICATE_EXPIRED, .message = "m", .certificate = &certificate, .wait = wait};
    event_raise(&reporter, &sinks, &event);
}

static bool log_has(const char *words)
{
    char text[4096] = "";
    FILE *file = fopen(log_file, "r");
    if (file == NULL)
        return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return strstr(text, words) != NULL;
}

Test(sink_redis, an_entry_has_the_event_in_one_field)
{
    raise_one(NULL);
    cr_expect_str_eq(redis_cli(&redis, "XLEN 'lab events'"), "1");
    const char *entry = redis_cli(&redis, "XRANGE 'lab events' - +");
    const char *field = strstr(entry, "\nevent\n{\"event\":\"CertificateExpired\",");
    cr_assert_not_null(field, "%s", entry);
    cr_expect_not_null(strstr(field, "\"cert_name\":\"a \\\"name\\\"\\n\""));
    cr_expect_eq(entry[strlen(entry) - 1], '}', "no line break");
}

Test(sink_redis, the_stream_is_kept_near_its_length)
{
    for (int i = 0; i < 400; i++)
        raise_one(NULL);
    unsigned long length = strtoul(redis_cli(&redis, "XLEN 'lab events'"), NULL, 10);
    cr_expect(length >= 100 && length < 300, "%lu", length);
}

Test(sink_redis, what_it_takes_is_the_handshakes)
{
    struct records_wait wait = {.spent_ms = store.timeout_ms};
    raise_one(&wait);
    cr_expect_str_eq(redis_cli(&redis, "XLEN 'lab events'"), "0", "no time was left");
    cr_expect(log_has("has spent all the time that 'timeout_ms'"));
    wait.spent_ms = 0;
    raise_one(&wait);
    cr_expect_str_eq(redis_cli(&redis, "XLEN 'lab events'"), "1");
}

Test(sink_redis, one_that_fails_leaves_the_others_theirs)
{
    struct stat status;
    sinks.file = events;
    redis_cli(&redis, "SET 'lab events' x");
    raise_one(NULL);
    cr_expect(log_has("lab events: the event could not be written: a stream in Redis "));
    cr_expect(log_has("a key of the store holds something else"));
    cr_expect(stat(events, &status) == 0 && status.st_size > 0);
}

Test(sink_redis, one_that_is_silent_is_asked_once)
{
    struct mock mock;
    char why[STORE_WHY_SIZE];
    const struct redis_word words[] = {redis_word("PING")};
    struct records_wait wait = {0};
    mock_start(&mock, "", 0, MOCK_WAITS);
    store = redis_by_port(mock.port);
    store.timeout_ms = 100;
    cr_expect_null(redis_ask(&store, &wait, words, 1, why));
    cr_expect_not_null(strstr(why, "does not answer within 100 ms"), "%s", why);
    cr_expect_geq(wait.spent_ms, 99);
    wait.spent_ms = 0;
    cr_expect_null(redis_ask(&store, &wait, words, 1, why));
    cr_expect_not_null(strstr(why, "left alone"), "%s", why);
    cr_expect_lt(wait.spent_ms, 100);
    mock_kill(&mock);
}
