/* The cache of records, in front of a directory. Times are what records_fetch() is told. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/records.h"
#include "tests/unit/support.h"

enum { CACHE = 100, STALE = 50, NOBODY = 65534 };

static struct store_settings settings;
static struct records *records;
static char why[STORE_WHY_SIZE];

static void begin(unsigned cache_seconds, unsigned stale_seconds)
{
    fixture_make();
    settings = (struct store_settings){.type = STORE_DIRECTORY,
                                       .path = directory.path,
                                       .timeout_ms = 10000,
                                       .cache_seconds = cache_seconds,
                                       .stale_seconds = stale_seconds};
    file_identity_at("/", &settings.root);
    records = records_new(&settings);
    cr_assert_not_null(records);
}

static void end(void)
{
    records_free(records);
    fixture_clean();
}

TestSuite(records, .fini = end);

/* An Ed25519 key is any 32 bytes; these are `number`. Sets its pin. */
static void key_of(unsigned number, struct pin *raw, struct pin *pin)
{
    static const unsigned char head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                         0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    const struct piece pieces[] = {{head, sizeof head}, {raw->sha256, PIN_BYTES}};
    memset(raw, 0, sizeof *raw);
    memcpy(raw->sha256, &number, sizeof number);
    cr_assert(ossl_sha256(crypto_table(), pieces, 2, pin->sha256));
}

/* The id of a key; one of a few static buffers. */
static const char *id_of(unsigned number)
{
    static char ids[256][65];
    struct pin raw, pin;
    char *id = ids[number % 256];
    key_of(number, &raw, &pin);
    for (size_t i = 0; i < PIN_BYTES; i++)
        sprintf(id + 2 * i, "%02x", pin.sha256[i]);
    return id;
}

static void name_file(const char *id, char name[80])
{
    snprintf(name, 80, "%.70s.pem", id);
}

/* Writes the key `number` as the record `id`, with `padding` bytes before it. */
static void put_under(const char *id, unsigned number, size_t padding)
{
    char name[80], base64[PIN_TEXT_SIZE];
    struct pin raw, pin;
    char *text = malloc(padding + 256);
    key_of(number, &raw, &pin);
    pin_format(&raw, base64);
    memset(text, '\n', padding);
    int length =
        sprintf(text + padding, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA%s\n-----END PUBLIC KEY-----\n",
                base64 + strlen("sha256//"));
    name_file(id, name);
    directory_write(&directory, name, text, padding + (size_t)length);
    free(text);
}

static void put(unsigned number)
{
    put_under(id_of(number), number, 0);
}

static void take_away(unsigned number)
{
    char name[80], path[256];
    name_file(id_of(number), name);
    snprintf(path, sizeof path, "%s/%s", directory.path, name);
    cr_assert_eq(unlink(path), 0);
}

/* The store does not answer from now on, and does again. */
static void stop(void)
{
    static char file[128];
    snprintf(file, sizeof file, "%s", directory_text(&directory, "no-directory", ""));
    settings.path = file;
}

static void go_on(void)
{
    settings.path = directory.path;
}

static void fetch(unsigned number, time_t now)
{
    const char *id = id_of(number);
    records_fetch(records, crypto_table(), &id, 1, now);
}

static enum records_answer answer(unsigned number)
{
    const struct pin *pin = NULL;
    struct pin raw, expected;
    memset(why, 0, sizeof why);
    enum records_answer found = records_pin(records, id_of(number), &pin, why);
    key_of(number, &raw, &expected);
    cr_expect_eq(found == RECORDS_FOUND, pin != NULL);
    cr_expect(pin == NULL || pin_equal(pin, &expected));
    cr_expect_eq(found == RECORDS_FOUND, why[0] == '\0', "%s", why);
    return found;
}

static time_t time_of_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static enum records_answer fetched(unsigned number, time_t now)
{
    fetch(number, now);
    return answer(number);
}

Test(records, a_record_is_served_for_the_time_of_the_cache)
{
    begin(CACHE, STALE);
    put(1);
    cr_expect_eq(answer(1), RECORDS_FAILED, "nobody asked");
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    take_away(1);
    cr_expect_eq(fetched(1, 1000 + CACHE - 1), RECORDS_FOUND);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_ABSENT, "a store that answers is believed");
    cr_expect_not_null(strstr(why, "has no such record; register it"), "%s", why);
    cr_expect_not_null(strstr(why, directory.path), "%s", why);
}

Test(records, a_negative_answer_is_served_for_a_short_time)
{
    begin(CACHE, 0);
    cr_expect_eq(fetched(1, 1000), RECORDS_ABSENT);
    put(1);
    cr_expect_eq(fetched(1, 1000 + RECORDS_ABSENT_SECONDS - 1), RECORDS_ABSENT);
    cr_expect_eq(fetched(1, 1000 + RECORDS_ABSENT_SECONDS + 1), RECORDS_FOUND);
}

Test(records, a_negative_answer_is_served_no_longer_than_a_record)
{
    begin(2, 0);
    cr_expect_eq(fetched(1, 1000), RECORDS_ABSENT);
    put(1);
    cr_expect_eq(fetched(1, 1003), RECORDS_FOUND);
}

Test(records, without_a_cache_each_handshake_reads)
{
    struct records_wait wait = {0};
    const char *id = id_of(1);
    begin(0, 0);
    put(1);
    records_fetch_within(records, crypto_table(), &id, 1, &wait);
    cr_expect_eq(answer(1), RECORDS_FOUND);
    take_away(1);
    records_fetch_within(records, crypto_table(), &id, 1, &wait);
    cr_expect_eq(answer(1), RECORDS_FOUND, "what this handshake has read");
    const time_t later = time_of_clock() + 2;
    cr_expect_eq(fetched(1, later), RECORDS_ABSENT);
    put(1);
    cr_expect_eq(fetched(1, later + 1), RECORDS_FOUND);
}

Test(records, a_store_that_fails_is_left_alone_for_a_second)
{
    begin(CACHE, 0);
    put(1);
    put(2);
    stop();
    cr_expect_eq(fetched(1, 1000), RECORDS_FAILED);
    cr_expect_not_null(strstr(why, "it is not a directory"), "%s", why);
    go_on();
    cr_expect_eq(fetched(1, 1000), RECORDS_FAILED);
    cr_expect_eq(fetched(2, 1000), RECORDS_FAILED, "nor for others");
    cr_expect_not_null(strstr(why, "it is not a directory"), "%s", why);
    cr_expect_eq(fetched(1, 1002), RECORDS_FOUND);
    cr_expect_eq(fetched(2, 1002), RECORDS_FOUND);
}

Test(records, a_record_is_stale_while_the_store_fails)
{
    begin(CACHE, STALE);
    put(1);
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    stop();
    cr_expect_eq(fetched(1, 1000 + CACHE - 1), RECORDS_FOUND);
    cr_expect_not(records_is_stale(records, id_of(1), why));
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FOUND);
    cr_expect(records_is_stale(records, id_of(1), why));
    cr_expect_not_null(strstr(why, "it is not a directory"), "%s", why);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FOUND, "also while it is left alone");
    cr_expect_eq(fetched(1, 1000 + CACHE + STALE - 1), RECORDS_FOUND);
    cr_expect_eq(fetched(1, 1000 + CACHE + STALE + 1), RECORDS_FAILED);
    cr_expect_not(records_is_stale(records, id_of(1), why));
    go_on();
    cr_expect_eq(fetched(1, 1000 + CACHE + STALE + 3), RECORDS_FOUND);
    cr_expect_not(records_is_stale(records, id_of(1), why));
}

Test(records, without_stale_seconds_nothing_is_served_past_its_time)
{
    begin(CACHE, 0);
    put(1);
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    stop();
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FAILED);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FAILED);
}

Test(records, a_record_that_is_swapped_is_refused)
{
    begin(CACHE, STALE);
    put_under(id_of(1), 2, 0);
    cr_expect_eq(fetched(1, 1000), RECORDS_REFUSED);
    cr_expect_not_null(strstr(why, "holds something else than the record of this id"), "%s", why);
    put(1);
    cr_expect_eq(fetched(1, 1000 + RECORDS_ABSENT_SECONDS + 1), RECORDS_FOUND);
    const struct pin *before = NULL, *after = NULL;
    records_pin(records, id_of(1), &before, NULL);
    put_under(id_of(1), 2, 0);
    cr_expect_eq(fetched(1, 1200), RECORDS_REFUSED, "nor is what was known of it");
    put_under(id_of(1), 1, 10);
    cr_expect_eq(fetched(1, 1300), RECORDS_FOUND);
    records_pin(records, id_of(1), &after, NULL);
    cr_expect_eq(before, after, "its pin stays where it is");
}

Test(records, what_can_be_no_record_does_not_keep_the_store_from_others)
{
    char name[80], path[256];
    const char *const ids[] = {id_of(2), id_of(1)};
    begin(CACHE, 0);
    put(2);
    name_file(id_of(1), name);
    snprintf(path, sizeof path, "%s/%s", directory.path, name);
    cr_assert_eq(mkdir(path, 0755), 0);
    records_fetch(records, crypto_table(), ids, 2, 1000);
    cr_expect_eq(answer(1), RECORDS_REFUSED);
    cr_expect_not_null(strstr(why, "is a directory; remove it"), "%s", why);
    cr_expect_eq(answer(2), RECORDS_FOUND);
    put(3);
    cr_expect_eq(fetched(3, 1000), RECORDS_FOUND);
    cr_assert_eq(rmdir(path), 0);
}

Test(records, what_was_read_ahead_is_parsed_later)
{
    const char *const ids[] = {id_of(1), id_of(2)};
    begin(CACHE, 0);
    put(1);
    put_under(id_of(2), 3, 0);
    records_fetch(records, NULL, ids, 2, 1000);
    cr_expect_eq(answer(1), RECORDS_FAILED, "not a pin yet");
    take_away(1);
    take_away(2);
    cr_expect_eq(fetched(1, 1050), RECORDS_FOUND);
    cr_expect_eq(fetched(2, 1050), RECORDS_REFUSED);
}

Test(records, many_at_once_and_the_same_twice)
{
    const char *ids[200];
    begin(CACHE, 0);
    for (unsigned i = 0; i < 200; i++) {
        ids[i] = id_of(i / 2 + 1);
        put(i / 2 + 1);
    }
    records_fetch(records, crypto_table(), ids, 200, 1000);
    for (unsigned i = 1; i <= 100; i++)
        cr_expect_eq(answer(i), RECORDS_FOUND);
}

Test(records, texts_are_kept_within_a_bound)
{
    const char *text;
    size_t length;
    unsigned kept = 0;
    begin(CACHE, 0);
    const size_t padding = (1 << 20) - 200;
    for (unsigned i = 1; i <= 20; i++) {
        put_under(id_of(i), i, padding);
        cr_expect_eq(fetched(i, 1000), RECORDS_FOUND, "%s", why);
    }
    for (unsigned i = 1; i <= 20; i++) {
        struct kept_text *held = records_hold_text(records, id_of(i), &text, &length);
        kept += held != NULL;
        records_release_text(held);
    }
    cr_expect_eq(kept, RECORDS_TEXTS_MAX / (padding + 150));
    /* One of them gives its room back. */
    put(1);
    cr_expect_eq(fetched(1, 1200), RECORDS_FOUND);
    cr_expect_eq(fetched(20, 1200), RECORDS_FOUND);
    struct kept_text *held = records_hold_text(records, id_of(20), &text, &length);
    cr_expect_not_null(held);
    put(20);
    cr_expect_eq(fetched(20, 1400), RECORDS_FOUND);
    cr_expect_gt(length, padding, "a text that is held stays as it was");
    cr_expect_eq(text[0], '\n');
    records_release_text(held);
    /* Read ahead without room: it is read again when it is needed. */
    const char *id = id_of(21);
    put_under(id, 21, padding);
    put_under(id_of(22), 22, padding);
    records_fetch(records, NULL, &id, 1, 1400);
    id = id_of(22);
    records_fetch(records, NULL, &id, 1, 1400);
    cr_expect_eq(fetched(21, 1400), RECORDS_FOUND);
    cr_expect_eq(fetched(22, 1400), RECORDS_FOUND);
}

Test(records, a_new_policy_goes_on_with_what_is_known)
{
    const char *const ids[] = {id_of(1), id_of(2)};
    begin(CACHE, 0);
    put(1);
    put(2);
    put(3);
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    cr_expect_eq(fetched(3, 1000), RECORDS_FOUND);
    records_fetch(records, NULL, &ids[1], 1, 1000);
    take_away(1);
    take_away(2);
    take_away(3);
    struct records *before = records;
    records = records_new(&settings);
    records_inherit(records, before, ids, 2);
    records_free(before);
    cr_expect_eq(fetched(1, 1050), RECORDS_FOUND);
    cr_expect_eq(fetched(2, 1050), RECORDS_FOUND);
    cr_expect_eq(fetched(3, 1050), RECORDS_ABSENT, "the new policy does not name it");
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_ABSENT);
}

Test(records, a_new_policy_with_another_store_begins_anew)
{
    const char *id = id_of(1);
    begin(CACHE, 0);
    put(1);
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    struct store_settings other = settings;
    other.path = "/nonexistent";
    struct records *before = records;
    records = records_new(&other);
    records_inherit(records, before, &id, 1);
    records_free(before);
    cr_expect_eq(fetched(1, 1000), RECORDS_ABSENT);
}

/* Criterion runs each test in a process of its own; they run as root, as a daemon does at its start. */
Test(records, another_root_directory_takes_nothing_away)
{
    char empty[128];
    begin(CACHE, 0);
    put(1);
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    snprintf(empty, sizeof empty, "%s/empty", directory.path);
    cr_assert_eq(mkdir(empty, 0755), 0);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(chroot(empty), 0);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FOUND);
    cr_expect_eq(fetched(1, 1000000), RECORDS_FOUND, "for good");
    cr_expect_not(records_is_stale(records, id_of(1), why));
    cr_expect_eq(fetched(2, 1000000), RECORDS_FAILED);
    cr_expect_not_null(strstr(why, "has changed its root directory"), "%s", why);
    cr_assert_eq(chroot("."), 0); /* out of it again, for the end of the test */
}

Test(records, another_user_takes_nothing_away)
{
    begin(CACHE, 0);
    put(1);
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    cr_assert_eq(seteuid(NOBODY), 0);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FOUND);
    cr_expect_eq(fetched(1, 1000000), RECORDS_FOUND);
    cr_expect_eq(fetched(2, 1000000), RECORDS_FAILED);
    cr_expect_not_null(strstr(why, "let this user, or a group of it, read the file"), "%s", why);
    cr_assert_eq(seteuid(0), 0);
    take_away(1);
    cr_expect_eq(fetched(1, 1000010), RECORDS_ABSENT, "once it can ask again, the answer counts");
}

static void allow(unsigned number, mode_t mode)
{
    char name[80], path[256];
    name_file(id_of(number), name);
    snprintf(path, sizeof path, "%s/%s", directory.path, name);
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(chmod(path, mode), 0);
    cr_assert_eq(seteuid(NOBODY), 0);
}

/* A process that is nobody before it reads anything. */
static void begin_as_nobody(unsigned count)
{
    begin(CACHE, 0);
    cr_assert_eq(chmod(directory.path, 0755), 0);
    for (unsigned i = 1; i <= count; i++) {
        put(i);
        allow(i, 0644);
        cr_assert_eq(seteuid(0), 0);
    }
    cr_assert_eq(seteuid(NOBODY), 0);
}

static void take_away_as_root(unsigned number)
{
    cr_assert_eq(seteuid(0), 0);
    take_away(number);
    cr_assert_eq(seteuid(NOBODY), 0);
}

Test(records, a_permission_that_is_taken_away_is_no_change_of_this_process)
{
    begin_as_nobody(1);
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    allow(1, 0600);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FAILED);
    cr_expect_not_null(strstr(why, "cannot be read: Permission denied; let this user"), "%s", why);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FAILED, "nor while it is left alone");
    cr_assert_eq(seteuid(0), 0);
}

/* What counts is who this process was when it was given the record. */
Test(records, nor_is_it_one_when_the_user_changed_before_the_record_was_read)
{
    begin(CACHE, 0);
    put(1);
    cr_assert_eq(chmod(directory.path, 0755), 0);
    cr_expect_eq(fetched(1, 1000), RECORDS_FOUND);
    allow(1, 0644);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_FOUND, "read again, by nobody");
    allow(1, 0600);
    cr_expect_eq(fetched(1, 1000 + 3 * CACHE), RECORDS_FAILED);
    cr_assert_eq(seteuid(0), 0);
}

Test(records, one_that_may_not_be_read_tells_nothing_of_others)
{
    const char *const ids[] = {id_of(3), id_of(1), id_of(2)};
    begin_as_nobody(3);
    allow(2, 0600);
    allow(3, 0600);
    records_fetch(records, crypto_table(), ids, 3, 1000);
    cr_expect_eq(answer(1), RECORDS_FOUND);
    for (unsigned i = 2; i <= 3; i++) {
        cr_expect_eq(answer(i), RECORDS_FAILED);
        cr_expect_not_null(strstr(why, id_of(i)), "%s", why);
        cr_expect_null(strstr(why, id_of(5 - i)), "%s", why);
    }
    cr_assert_eq(seteuid(0), 0);
    put(4);
    allow(4, 0644);
    cr_expect_eq(fetched(4, 1000), RECORDS_FOUND, "the store is not left alone");
    take_away_as_root(1);
    cr_expect_eq(fetched(2, 1000 + CACHE + 1), RECORDS_FAILED);
    cr_expect_eq(fetched(1, 1000 + CACHE + 1), RECORDS_ABSENT);
    allow(2, 0644);
    cr_expect_eq(fetched(2, 1000 + CACHE + 1), RECORDS_FAILED, "it is left alone itself");
    cr_expect_eq(fetched(2, 1000 + CACHE + 3), RECORDS_FOUND);
    cr_assert_eq(seteuid(0), 0);
}
