/* The store in a real Redis. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/record.h"
#include "tests/unit/redis.h"
#include "tests/unit/stores.h"
#include "tests/unit/support.h"

static struct redis redis;
static struct store_settings store;

static void start(void)
{
    fixture_make();
    redis_start(&redis, NULL);
    store = redis_by_socket(&redis);
}

static void stop(void)
{
    redis_stop(&redis);
    fixture_clean();
}

TestSuite(store_redis, .init = start, .fini = stop);

#define INDEX "cert-" ORGANISATION "-index"

static const char *index_is(void)
{
    return redis_cli(&redis, "LRANGE " INDEX " 0 -1");
}

Test(store_redis, what_is_written_is_what_a_gateway_leaves)
{
    struct monitor monitor;
    char expected[2048];
    const char *id = stores_id(ORGANISATION, 1);
    monitor_start(&monitor, &redis);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "text\n", 5, false, NULL, why), STORE_DONE, "%s", why);
    char *seen = monitor_stop(&monitor, &redis);
    snprintf(expected, sizeof expected,
             "\"WATCH\" \"cert-raw-%s\"\n\"WATCH\" \"" INDEX "\"\n\"TYPE\" \"" INDEX
             "\"\n\"EXISTS\" \"cert-raw-%s\"\n\"LRANGE\" \"" INDEX "\" \"0\" \"999\"\n\"MULTI\"\n"
             "\"SET\" \"cert-raw-%s\" \"text\\n\"\n\"RPUSH\" \"" INDEX "\" \"raw-%s\"\n\"EXEC\"\n",
             id, id, id, id);
    cr_expect_str_eq(seen, expected);
    free(seen);
    cr_expect_str_eq(redis_cli(&redis, "TYPE " INDEX), "list");
    cr_expect_str_eq(redis_cli(&redis, "DBSIZE"), "2");
    snprintf(expected, sizeof expected, "TTL cert-raw-%s", id);
    cr_expect_str_eq(redis_cli(&redis, expected), "-1");
    snprintf(expected, sizeof expected, "raw-%s", id);
    cr_expect_str_eq(index_is(), expected);

    cr_expect_eq(store_delete(&store, ORGANISATION, id, why), STORE_DONE);
    cr_expect_str_eq(redis_cli(&redis, "DBSIZE"), "0");
    cr_expect_eq(store_delete(&store, ORGANISATION, id, why), STORE_ABSENT);
}

Test(store_redis, one_that_is_there_is_left_as_it_is)
{
    const char *id = stores_id(ORGANISATION, 1);
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_DONE);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "x", 1, false, NULL, why), STORE_EXISTS);
    cr_expect(stores_has(&store, ORGANISATION, 1));
    cr_expect_str_eq(redis_cli(&redis, "LLEN " INDEX), "1");
}

Test(store_redis, one_that_is_replaced_keeps_its_place)
{
    struct store_text text;
    char expected[1024];
    for (unsigned i = 0; i < 3; i++)
        cr_expect_eq(stores_write(&store, ORGANISATION, i), STORE_DONE);
    const char *id = stores_id(ORGANISATION, 1);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "new", 3, true, &stores_whole, why), STORE_DONE, "%s",
                 why);
    cr_expect_eq(stores_read(&store, id, &text), STORE_DONE);
    cr_expect_str_eq(text.text, "new");
    free(text.text);
    snprintf(expected, sizeof expected, "raw-%s\nraw-%s\nraw-%s", stores_id(ORGANISATION, 0), id,
             stores_id(ORGANISATION, 2));
    cr_expect_str_eq(index_is(), expected);
    /* An index that has lost it gets it back. */
    redis_cli(&redis, "DEL " INDEX);
    const struct store_text newer = {.text = (char[]){"new"}, .length = 3};
    cr_expect_eq(store_write(&store, ORGANISATION, id, "new", 3, true, &newer, why), STORE_DONE);
    snprintf(expected, sizeof expected, "raw-%s", id);
    cr_expect_str_eq(index_is(), expected);
}

Test(store_redis, what_has_changed_since_it_was_read_is_not_replaced)
{
    const char *id = stores_id(ORGANISATION, 1);
    const struct store_text other = {.text = (char[]){"other"}, .length = 5};
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_DONE);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "new", 3, true, &other, why), STORE_EXISTS);
    cr_expect(stores_has(&store, ORGANISATION, 1));
    cr_expect_eq(store_delete(&store, ORGANISATION, id, why), STORE_DONE);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "new", 3, true, &other, why), STORE_DONE);
}

Test(store_redis, an_element_without_a_record_is_not_doubled)
{
    char line[512];
    snprintf(line, sizeof line, "RPUSH " INDEX " raw-%s", stores_id(ORGANISATION, 1));
    redis_cli(&redis, line);
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_DONE);
    cr_expect_str_eq(redis_cli(&redis, "LLEN " INDEX), "1");
}

Test(store_redis, without_an_organisation_there_is_no_index)
{
    cr_expect_eq(stores_write(&store, "", 2), STORE_DONE);
    cr_expect_eq(stores_write(&store, "", 1), STORE_DONE);
    cr_expect_str_eq(redis_cli(&redis, "DBSIZE"), "2");
    char expected[256];
    snprintf(expected, sizeof expected, "%s %s ", stores_id("", 1), stores_id("", 2));
    cr_expect_str_eq(stores_listed(&store, ""), expected);
    cr_expect_eq(store_delete(&store, "", stores_id("", 1), why), STORE_DONE);
    cr_expect_eq(store_delete(&store, "", stores_id("", 1), why), STORE_ABSENT);
    cr_expect_str_eq(redis_cli(&redis, "DBSIZE"), "1");
}

Test(store_redis, many_records_are_read_in_one_exchange)
{
    const char *const ids[] = {stores_id("", 1), stores_id("", 9), "a/b", stores_id("", 2), stores_id("", 3)};
    enum store_result results[5];
    struct store_text texts[5];
    struct monitor monitor;
    stores_write(&store, "", 1);
    stores_write(&store, "", 3);
    char line[256];
    snprintf(line, sizeof line, "RPUSH cert-raw-%s x", ids[3]);
    redis_cli(&redis, line);
    monitor_start(&monitor, &redis);
    store_read(&store, ids, 5, 5000, results, texts, why);
    char *seen = monitor_stop(&monitor, &redis);
    cr_expect_eq(results[0], STORE_DONE);
    cr_expect_str_eq(texts[0].text, stores_text);
    cr_expect_eq(results[1], STORE_ABSENT);
    cr_expect_eq(results[2], STORE_FAILED);
    cr_expect_eq(results[3], STORE_FAILED);
    cr_expect_not_null(strstr(why, "a key of the store holds something else than it should"), "%s", why);
    cr_expect_eq(results[4], STORE_DONE);
    for (size_t i = 0; i < 5; i++)
        free(texts[i].text);
    free(seen);
}

Test(store_redis, one_that_is_too_long_does_not_keep_others_away)
{
    const char *const ids[] = {stores_id("", 1), stores_id("", 2), stores_id("", 3)};
    enum store_result results[3];
    struct store_text texts[3];
    char line[256];
    snprintf(line, sizeof line, "SETRANGE cert-raw-%s %d x", ids[1], RECORD_TEXT_MAX);
    stores_write(&store, "", 1);
    stores_write(&store, "", 3);
    redis_cli(&redis, line);
    store_read(&store, ids, 3, 5000, results, texts, why);
    cr_expect_eq(results[0], STORE_DONE);
    cr_expect_eq(results[1], STORE_FAILED);
    cr_expect_not_null(strstr(why, "more bytes than a record may have"), "%s", why);
    cr_expect_null(texts[1].text);
    cr_expect_eq(results[2], STORE_DONE);
    free(texts[0].text);
    free(texts[2].text);
    /* And the longest that may be is read. */
    snprintf(line, sizeof line, "SETRANGE cert-raw-%s %d x", ids[2], RECORD_TEXT_MAX - 1);
    redis_cli(&redis, line);
    cr_expect_eq(stores_read(&store, ids[2], &texts[2]), STORE_DONE, "%s", why);
    cr_expect_eq(texts[2].length, RECORD_TEXT_MAX);
    free(texts[2].text);
}

Test(store_redis, wrong_types_are_refused_before_anything_changes)
{
    char line[512];
    struct store_text text;
    const char *id = stores_id(ORGANISATION, 1);
    redis_cli(&redis, "SET " INDEX " x");
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_FAILED);
    cr_expect_not_null(strstr(why, "its key " INDEX " is no list (TYPE)"), "%s", why);
    cr_expect_eq(stores_read(&store, id, &text), STORE_ABSENT);
    cr_expect_eq(store_delete(&store, ORGANISATION, id, why), STORE_FAILED);
    cr_expect_not_null(strstr(stores_listed(&store, ORGANISATION), "holds something else"), "%s", why);
    redis_cli(&redis, "DEL " INDEX);
    snprintf(line, sizeof line, "RPUSH cert-raw-%s x", id);
    redis_cli(&redis, line);
    cr_expect_eq(stores_read(&store, id, &text), STORE_FAILED);
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_EXISTS);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "x", 1, false, &stores_whole, why), STORE_FAILED);
    cr_expect_not_null(strstr(why, "is no string (TYPE)"), "%s", why);
    cr_expect_str_eq(redis_cli(&redis, "EXISTS " INDEX), "0");
}

Test(store_redis, a_list_is_in_order_of_upload_and_tells_what_is_missing)
{
    char expected[2048];
    char line[512];
    static const unsigned order[] = {5, 3, 4};
    for (size_t i = 0; i < 3; i++)
        stores_write(&store, ORGANISATION, order[i]);
    snprintf(line, sizeof line, "DEL cert-raw-%s", stores_id(ORGANISATION, 3));
    redis_cli(&redis, line);
    redis_cli(&redis, "RPUSH " INDEX " garbage raw- raw-a/b");
    snprintf(expected, sizeof expected, "%s %s! %s garbage! ! a/b! ", stores_id(ORGANISATION, 5),
             stores_id(ORGANISATION, 3), stores_id(ORGANISATION, 4));
    cr_expect_str_eq(stores_listed(&store, ORGANISATION), expected);
}

Test(store_redis, without_an_index_records_are_found_by_a_search)
{
    static const char *const organisations[] = {"or*g", "or?g", "o[a-z]g", "org\\", "or", "org"};
    char expected[1024];
    for (size_t i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 3; k++)
            cr_expect_eq(stores_write(&store, organisations[i], k), STORE_DONE);
        snprintf(expected, sizeof expected, "DEL 'cert-%s-index'", organisations[i]);
        cr_expect_str_eq(redis_cli(&redis, expected), "1");
    }
    redis_cli(&redis, "SET cert-raw-or*gx y");
    for (size_t i = 0; i < 6; i++) {
        snprintf(expected, sizeof expected, "%s %s %s ", stores_id(organisations[i], 0),
                 stores_id(organisations[i], 1), stores_id(organisations[i], 2));
        cr_expect_str_eq(stores_listed(&store, organisations[i]), expected);
    }
}

struct counted {
    size_t count;
    size_t wrong;
    size_t total;
};

static bool count(void *context, const struct store_listed *listed)
{
    struct counted *counted = context;
    bool is_right = listed->result == STORE_DONE && listed->length == 1 && listed->number == counted->count &&
                    strcmp(listed->id, stores_id(ORGANISATION, (unsigned)listed->number)) == 0;
    counted->wrong += !is_right;
    counted->count++;
    counted->total = listed->total;
    return counted->count < 2500;
}

Test(store_redis, thousands_are_listed_in_order_and_the_visitor_ends_it)
{
    struct counted counted = {0};
    redis_cli(&redis, "EVAL \"for i=0,2999 do local id='" ORGANISATION "'..string.format('%064x',i) "
                      "redis.call('SET','cert-raw-'..id,'x') "
                      "redis.call('RPUSH','" INDEX "','raw-'..id) end\" 0");
    cr_expect_eq(store_list(&store, ORGANISATION, count, &counted, why), STORE_DONE, "%s", why);
    cr_expect_eq(counted.count, 2500);
    cr_expect_eq(counted.total, 3000);
    cr_expect_eq(counted.wrong, 0);
    redis_cli(&redis, "DEL " INDEX);
    counted = (struct counted){0};
    cr_expect_eq(store_list(&store, ORGANISATION, count, &counted, why), STORE_DONE, "%s", why);
    cr_expect(counted.count == 2500 && counted.total == 3000 && counted.wrong == 0);
}

Test(store_redis, of_writers_at_once_one_succeeds)
{
    char element[128];
    struct stores_tally tally = stores_write_at_once(&store, 6, 20);
    cr_expect_eq(tally.done, 20);
    cr_expect_eq(tally.exists, 100);
    cr_expect_eq(tally.failed, 0);
    cr_expect_str_eq(redis_cli(&redis, "LLEN " INDEX), "20");
    snprintf(element, sizeof element, "LPOS " INDEX " raw-%s RANK 2", stores_id(ORGANISATION, 7));
    cr_expect_str_eq(redis_cli(&redis, element), "");
}

/* Record and index never part: 200 writers are killed anywhere in their work. */
Test(store_redis, a_writer_that_is_killed_leaves_record_and_index_or_neither, .timeout = 200)
{
    unsigned written = 0;
    char expected[32];
    for (unsigned round = 0; round < 200; round++)
        stores_write_and_die(&store, round * 1000, false);
    for (unsigned round = 0; round < 200; round++) {
        unsigned number = round * 1000;
        for (; stores_has(&store, ORGANISATION, number); number++)
            written++;
    }
    cr_expect_gt(written, 20, "the kills come too early to prove anything");
    snprintf(expected, sizeof expected, "%u", written);
    cr_expect_str_eq(redis_cli(&redis, "LLEN " INDEX), expected);
    snprintf(expected, sizeof expected, "%u", written + 1);
    cr_expect_str_eq(redis_cli(&redis, "DBSIZE"), expected, "every record is whole");
}

Test(store_redis, databases_are_apart)
{
    stores_write(&store, ORGANISATION, 1);
    store.database = 3;
    cr_expect_not(stores_has(&store, ORGANISATION, 1));
    cr_expect_eq(stores_write(&store, ORGANISATION, 2), STORE_DONE);
    cr_expect(stores_has(&store, ORGANISATION, 2));
    cr_expect_str_eq(redis_cli(&redis, "-n 3 DBSIZE"), "2");
}

Test(store_redis, over_tcp)
{
    store = redis_by_port(redis.port);
    cr_expect_eq(stores_write(&store, ORGANISATION, 2), STORE_DONE, "%s", why);
    cr_expect(stores_has(&store, ORGANISATION, 2));
}
