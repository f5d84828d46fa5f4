/* Cooldowns in files of the state directory: their entries, their size, their lock. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/hostio.h"
#include "tests/unit/cooldown_support.h"

#define FILE_MAX (513 * ENTRY)

TestSuite(cooldown_directory, .init = cooldown_fixture_make, .fini = fixture_clean);

/* As they stand in a file. */
struct entry {
    unsigned char key[16];
    int64_t began;
    uint64_t seal;
};

/* Moves when all entries of the first file began; the seal has it in each of its bits. */
static void shift_entries(int64_t by_ms)
{
    struct entry entry;
    int file = open(first_file, O_RDWR);
    cr_assert_geq(file, 0);
    for (off_t at = ENTRY; at < size_of(first_file); at += ENTRY) {
        cr_assert_eq(pread(file, &entry, sizeof entry, at), ENTRY);
        int64_t began = entry.began + by_ms;
        entry.seal ^= (uint64_t)entry.began ^ (uint64_t)began;
        entry.began = began;
        cr_assert_eq(pwrite(file, &entry, sizeof entry, at), ENTRY);
    }
    close(file);
}

Test(cooldown_directory, an_entry_ends_and_one_of_the_future_has_ended)
{
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    shift_entries(-MS + 60000);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS);
    cr_expect(left_ms > 0 && left_ms <= 60000);
    shift_entries(-60000);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    cr_expect_eq(size_of(first_file), 2 * ENTRY, "in the same place");
    shift_entries(3600000);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    shift_entries(INT64_MIN / 2);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    shift_entries(INT64_MAX / 2);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS);
}

Test(cooldown_directory, many_certificates_do_not_make_it_grow_without_bound)
{
    enum { MANY = 10000, FILES = 64 };
    off_t bytes = 0;
    for (unsigned i = 0; i < MANY; i++)
        cr_assert_eq(in_directory(COOLDOWN_CHECK, i), COOLDOWN_BEGINS, "%s", said);
    for (unsigned i = 0; i < MANY; i++)
        cr_assert_eq(in_directory(COOLDOWN_CHECK, i), COOLDOWN_RUNS, "%u: %s", i, said);
    for (unsigned i = 0; i < FILES; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/cooldowns-%02u", own, i);
        bytes += size_of(path);
    }
    cr_expect_leq(bytes, FILES * FILE_MAX);
    /* More than fit into one file: the oldest makes room. */
    for (unsigned i = 0; i < 2000; i++)
        cr_assert_eq(in_directory(COOLDOWN_EXPIRED, i % 256 + (i / 256 << 14)), COOLDOWN_BEGINS, "%u", i);
    cr_expect_eq(size_of(first_file), FILE_MAX);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 0), COOLDOWN_BEGINS, "replaced");
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 1999 % 256 + (1999 / 256 << 14)), COOLDOWN_RUNS);
}

static bool begins_in_directory(unsigned number)
{
    return in_directory(COOLDOWN_CHECK, number) != COOLDOWN_RUNS;
}

Test(cooldown_directory, of_many_processes_one_goes_ahead)
{
    cr_expect_eq(begun_at_once(begins_in_directory), 50);
    cr_expect_eq(size_of(first_file), 51 * ENTRY);
}

static void put_in_first_file(const char *text, size_t length)
{
    int file = open(first_file, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    cr_assert_eq(write(file, text, length), (ssize_t)length);
    close(file);
}

Test(cooldown_directory, a_file_that_is_damaged_or_foreign_is_made_anew)
{
    static const char zeros[3 * ENTRY];
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    put_in_first_file("hello", 5);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%s", said);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS);
    put_in_first_file(zeros, sizeof zeros);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%s", said);
    cr_expect_eq(size_of(first_file), 2 * ENTRY);
    /* Cut in the middle of an entry. */
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 1), COOLDOWN_BEGINS);
    cr_assert_eq(truncate(first_file, 3 * ENTRY - 5), 0);
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 1), COOLDOWN_BEGINS);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS);
    cr_expect_eq(size_of(first_file), 3 * ENTRY);
    cr_assert_eq(unlink(first_file), 0);
    cr_assert_eq(mkfifo(first_file, 0600), 0);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%s", said);
    cr_assert_eq(unlink(first_file), 0);
    cr_assert_eq(mkdir(first_file, 0700), 0);
    expect_unusable("cannot be opened");
}

Test(cooldown_directory, a_full_disk)
{
    const struct rlimit none = {0, RLIM_INFINITY};
    struct hostio io;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    hostio_enter(&io); /* as cooldown_begin() does: no signal is to come */
    expect_unusable("cannot be written: File too large; make room there");
    hostio_leave(&io);
    const struct rlimit one = {ENTRY + 5, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &one), 0);
    hostio_enter(&io);
    expect_unusable("cannot be written: ");
    hostio_leave(&io);
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS);
}

Test(cooldown_directory, a_process_that_holds_the_lock_is_not_waited_for)
{
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 2), COOLDOWN_BEGINS);
    int file = open(first_file, O_RDWR);
    cr_assert_eq(flock(file, LOCK_EX), 0);
    expect_unusable("has it been stopped?");
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 2), COOLDOWN_RUNS, "one that runs needs no lock: %s", said);
    cr_expect(left_ms > MS - 60000 && left_ms <= MS);
    flock(file, LOCK_UN);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
}

/* What who reads without the lock may see while another process writes. */
Test(cooldown_directory, half_an_entry_does_not_run)
{
    struct entry first, second;
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 2), COOLDOWN_BEGINS);
    int file = open(first_file, O_RDWR);
    cr_assert_eq(pread(file, &first, ENTRY, ENTRY), ENTRY);
    cr_assert_eq(pread(file, &second, ENTRY, 2 * ENTRY), ENTRY);
    for (size_t whole = 1; whole < ENTRY; whole++) {
        struct entry torn = second;
        memcpy(&torn, &first, whole);
        if (memcmp(&torn, &first, ENTRY) == 0)
            continue;
        cr_assert_eq(pwrite(file, &torn, ENTRY, ENTRY), ENTRY);
        cr_assert_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%zu", whole);
        cr_assert_eq(ftruncate(file, 3 * (off_t)ENTRY), 0);
    }
    struct entry other_time = first;
    other_time.began++;
    cr_assert_eq(pwrite(file, &other_time, ENTRY, ENTRY), ENTRY);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
}

static void give_back(enum cooldown_kind kind, unsigned number, uint64_t of)
{
    const struct cooldown cooldown = {kind, numbered(number), SECONDS};
    cooldown_back_in_directory(state, &cooldown, 500, of);
}

Test(cooldown_directory, one_is_given_back_to_the_directory)
{
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 1), COOLDOWN_BEGINS);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    give_back(COOLDOWN_CHECK, 1, mark + 1);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS, "that of another process");
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 2), COOLDOWN_BEGINS);
    give_back(COOLDOWN_EXPIRED, 2, mark);
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 1), COOLDOWN_RUNS);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS);
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 2), COOLDOWN_BEGINS);
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 2), COOLDOWN_RUNS);
    cr_expect_eq(size_of(first_file), 4 * ENTRY, "in the same place");
}
