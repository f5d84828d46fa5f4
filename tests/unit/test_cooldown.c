/* Cooldowns: in memory, in the state directory, in Redis, and which of them counts. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/cooldown_kind.h"
#include "tests/unit/redis.h"
#include "tests/unit/support.h"

enum { SECONDS = 1000, MS = SECONDS * 1000, OTHER_USER = 65534 };
#define ENTRY    32L /* bytes */
#define FILE_MAX (513 * ENTRY)

static char state[96], own[128], first_file[160];
static char said[COOLDOWN_WHY_SIZE];
static int64_t left_ms;
static uint64_t mark;

static void make(void)
{
    fixture_make();
    snprintf(state, sizeof state, "%s/state", directory.path);
    snprintf(own, sizeof own, "%s/%u", state, (unsigned)geteuid());
    snprintf(first_file, sizeof first_file, "%s/cooldowns-00", own); /* of all that numbered() makes < 64 */
}

TestSuite(cooldown, .init = make, .fini = fixture_clean);

/* A fingerprint; in a static buffer. Those of less than 256 are of one file. */
static const unsigned char *numbered(unsigned number)
{
    static unsigned char fingerprint[COOLDOWN_FINGERPRINT];
    const unsigned spread = number * 2654435761U;
    memcpy(fingerprint, &number, sizeof number);
    memcpy(fingerprint + 8, &spread, sizeof spread);
    fingerprint[COOLDOWN_FINGERPRINT - 1] = (unsigned char)(number >> 8);
    return fingerprint;
}

static struct cooldown check_of(unsigned number)
{
    return (struct cooldown){COOLDOWN_CHECK, numbered(number), SECONDS};
}

static enum cooldown_answer in_directory(enum cooldown_kind kind, unsigned number)
{
    const struct cooldown cooldown = {kind, numbered(number), SECONDS};
    struct cooldown_state found = {0};
    said[0] = '\0';
    enum cooldown_answer answer = cooldown_in_directory(state, &cooldown, 500, &found, said);
    left_ms = found.left_ms;
    mark = found.mark;
    return answer;
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    cr_assert_eq(lstat(path, &status), 0, "%s: %s", path, strerror(errno));
    return (unsigned)status.st_mode & 07777U;
}

static off_t size_of(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 ? status.st_size : -1;
}

Test(cooldown, memory_holds_until_the_end)
{
    const struct cooldown cooldown = check_of(1);
    cr_expect_not(cooldown_memory_runs(&cooldown, 5000));
    cr_expect(cooldown_memory_begin(&cooldown, 5000, 5000 + MS));
    cr_expect(cooldown_memory_runs(&cooldown, 5000 + MS - 1));
    cr_expect_not(cooldown_memory_begin(&cooldown, 6000, 6000 + MS));
    cr_expect_not(cooldown_memory_runs(&cooldown, 5000 + MS));
    cr_expect(cooldown_memory_begin(&cooldown, 5000 + MS, 5000 + 2 * MS));
    cr_expect_not(cooldown_memory_runs(&cooldown, 4000), "a clock that went backwards");
    const struct cooldown event = {COOLDOWN_EXPIRED, cooldown.fingerprint, SECONDS};
    cr_expect_not(cooldown_memory_runs(&event, 5000 + MS), "another kind");
}

Test(cooldown, memory_is_bounded_and_keeps_what_ends_last)
{
    enum { MANY = 100000 };
    for (unsigned i = 0; i < MANY; i++) {
        const struct cooldown cooldown = check_of(i);
        cr_assert(cooldown_memory_begin(&cooldown, 1000 + i, 1000 + i + MS), "%u", i);
    }
    unsigned held = 0;
    for (unsigned i = 0; i < MANY; i++) {
        const struct cooldown cooldown = check_of(i);
        held += cooldown_memory_runs(&cooldown, 1000 + MANY);
    }
    cr_expect(held > 3000 && held <= 4096, "%u", held);
    const struct cooldown last = check_of(MANY - 1);
    cr_expect(cooldown_memory_runs(&last, 1000 + MANY));
}

Test(cooldown, the_directory_is_made_whatever_the_umask_is)
{
    umask(077);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%s", said);
    cr_expect_eq(mode_of(state), 01777U);
    cr_expect_eq(mode_of(own), 0700U);
    cr_expect_eq(mode_of(first_file), 0600U);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS, "%s", said);
    cr_expect(left_ms > MS - 60000 && left_ms <= MS);
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 1), COOLDOWN_BEGINS, "another kind");
    cr_expect_eq(in_directory(COOLDOWN_EXPIRING_SOON, 1), COOLDOWN_BEGINS, "another kind");
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 2), COOLDOWN_BEGINS, "another certificate");
    cr_expect_eq(in_directory(COOLDOWN_EXPIRED, 1), COOLDOWN_RUNS);
}

/* Runs in a child, as another user; the test fails if `what` does not return true there. */
static void as_other_user(bool (*what)(void))
{
    int status;
    pid_t process = fork();
    if (process == 0)
        _exit(seteuid(OTHER_USER) == 0 && what() ? 0 : 1);
    waitpid(process, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* One for whom modes count: all is made, and found again. */
static bool is_made_without_rights(void)
{
    char path[160];
    umask(0777);
    bool done = in_directory(COOLDOWN_CHECK, 1) == COOLDOWN_BEGINS &&
                in_directory(COOLDOWN_CHECK, 1) == COOLDOWN_RUNS && mode_of(state) == 01777U;
    snprintf(path, sizeof path, "%s/%d", state, OTHER_USER);
    done = done && mode_of(path) == 0700U;
    snprintf(path, sizeof path, "%s/%d/cooldowns-00", state, OTHER_USER);
    done = done && mode_of(path) == 0600U && size_of(path) == 2 * ENTRY;
    /* The file as it stands before the process that creates it has given it its mode. */
    return done && chmod(path, 0) == 0 && in_directory(COOLDOWN_CHECK, 1) == COOLDOWN_RUNS;
}

Test(cooldown, the_directory_is_made_although_the_umask_leaves_no_rights)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    chmod(directory.path, 0777);
    as_other_user(is_made_without_rights);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%s", said);
    char pattern[160];
    glob_t left;
    snprintf(pattern, sizeof pattern, "%s/{,state/}*.new-*", directory.path);
    cr_expect_eq(glob(pattern, GLOB_BRACE, NULL, &left), GLOB_NOMATCH, "nothing is left of the making");
}

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

Test(cooldown, an_entry_ends_and_one_of_the_future_has_ended)
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

Test(cooldown, many_certificates_do_not_make_it_grow_without_bound)
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

/* Twenty processes ask for each of fifty certificates; for how many of these just one went ahead. */
static unsigned begun_at_once(bool (*begins)(unsigned number))
{
    enum { PROCESSES = 20, CERTIFICATES = 50 };
    pid_t processes[PROCESSES];
    unsigned *begun =
        mmap(NULL, CERTIFICATES * sizeof *begun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < PROCESSES; i++) {
        processes[i] = fork();
        cr_assert_geq(processes[i], 0);
        for (unsigned k = 0; processes[i] == 0 && k < CERTIFICATES; k++) {
            if (begins(k))
                __atomic_add_fetch(&begun[k], 1, __ATOMIC_SEQ_CST);
        }
        if (processes[i] == 0)
            _exit(0);
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        waitpid(processes[i], NULL, 0);
    unsigned once = 0;
    for (unsigned k = 0; k < CERTIFICATES; k++)
        once += begun[k] == 1;
    return once;
}

static bool begins_in_directory(unsigned number)
{
    return in_directory(COOLDOWN_CHECK, number) != COOLDOWN_RUNS;
}

Test(cooldown, of_many_processes_one_goes_ahead)
{
    cr_expect_eq(begun_at_once(begins_in_directory), 50);
    cr_expect_eq(size_of(first_file), 51 * ENTRY);
}

static void expect_unusable(const char *words)
{
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_UNKNOWN);
    cr_expect_not_null(strstr(said, words), "%s", said);
}

Test(cooldown, a_state_directory_that_others_may_change_is_not_used)
{
    cr_assert_eq(mkdir(state, 0700), 0);
    cr_assert_eq(chmod(state, 0777), 0);
    expect_unusable("no sticky bit (mode 0777); run: chmod +t ");
    cr_expect_neq(access(own, F_OK), 0);
    chmod(state, 0770);
    expect_unusable("no sticky bit (mode 0770)");
    chmod(state, 0755);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%s", said);
    cr_expect_eq(mode_of(state), 0755U, "one that exists stays as it is");
}

Test(cooldown, links_are_not_followed)
{
    char elsewhere[128];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", directory.path);
    cr_assert_eq(mkdir(elsewhere, 0700), 0);
    cr_assert_eq(symlink(elsewhere, state), 0);
    expect_unusable("is not followed");
    cr_assert_eq(unlink(state), 0);
    cr_assert_eq(mkdir(state, 0755), 0);
    cr_assert_eq(symlink(elsewhere, own), 0);
    expect_unusable("is not followed");
    cr_assert_eq(unlink(own), 0);
    /* In this user's own directory only this user can have made it: it gives way. */
    cr_assert_eq(mkdir(own, 0700), 0);
    cr_assert_eq(symlink("/etc/passwd", first_file), 0);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%s", said);
    cr_expect_eq(size_of(first_file), 2 * ENTRY);
    cr_expect_eq(rmdir(elsewhere), 0, "nothing was written there");
}

Test(cooldown, a_directory_of_another_user_is_not_used)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give a directory away");
    cr_assert_eq(mkdir(state, 0755), 0);
    cr_assert_eq(mkdir(own, 0700), 0);
    cr_assert_eq(chown(own, OTHER_USER, OTHER_USER), 0);
    expect_unusable("belongs to user 65534");
    cr_assert_eq(chown(own, 0, 0), 0);
    chmod(own, 0720);
    expect_unusable("(mode 0720)");
    chmod(own, 0700);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS, "%s", said);
}

static bool begins_as_other(void)
{
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s/%d", state, OTHER_USER);
    return in_directory(COOLDOWN_CHECK, 1) == COOLDOWN_BEGINS &&
           in_directory(COOLDOWN_CHECK, 1) == COOLDOWN_RUNS && stat(path, &status) == 0 &&
           status.st_uid == OTHER_USER;
}

static bool is_unusable_as_other(void)
{
    return in_directory(COOLDOWN_CHECK, 1) == COOLDOWN_UNKNOWN && strstr(said, "Permission denied") != NULL;
}

Test(cooldown, users_do_not_hold_each_other_back)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    chmod(directory.path, 0755);
    as_other_user(is_unusable_as_other);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    as_other_user(begins_as_other);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS);
}

static void put_in_first_file(const char *text, size_t length)
{
    int file = open(first_file, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    cr_assert_eq(write(file, text, length), (ssize_t)length);
    close(file);
}

Test(cooldown, a_file_that_is_damaged_or_foreign_is_made_anew)
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

Test(cooldown, a_full_disk)
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

Test(cooldown, a_process_that_holds_the_lock_is_not_waited_for)
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
Test(cooldown, half_an_entry_does_not_run)
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

Test(cooldown, one_is_given_back_to_the_directory)
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

Test(cooldown, what_cannot_be_made)
{
    snprintf(state, sizeof state, "%s/missing/state", directory.path);
    expect_unusable("cannot be opened or made: No such file or directory; run as root: install -d -m 1777 ");
    snprintf(state, sizeof state, "/run/tlsgraft-missing/state");
    expect_unusable(
        "install -d -m 1777 /run/tlsgraft-missing/state (or set 'state_directory'); lib/tmpfiles.d/");
    snprintf(state, sizeof state, "%s/file", directory.path);
    directory_text(&directory, "file", "");
    expect_unusable("is no directory");
}

/* All together, through cooldown_begin(). */

static struct policy policy;
static struct reporter reporter;
static struct records_wait waited;
static struct cooldown_begun begun;
static char log_path[128];

static void make_policy(void)
{
    make();
    snprintf(log_path, sizeof log_path, "%s/log", directory.path);
    reporter = (struct reporter){.level = LOG_LEVEL_ERROR, .log_file = log_path};
    policy = (struct policy){.state_directory = state, .store = {.timeout_ms = 500}};
}

static bool begins(enum cooldown_kind kind, unsigned number, unsigned seconds)
{
    waited = (struct records_wait){0};
    return cooldown_begin(&reporter, &policy, &(struct cooldown){kind, numbered(number), seconds}, &waited,
                          &begun);
}

/* The same, within what is left of the time. */
static bool begins_within(enum cooldown_kind kind, const unsigned char *fingerprint, unsigned seconds)
{
    const struct cooldown cooldown = {kind, fingerprint, seconds};
    return cooldown_begin(&reporter, &policy, &cooldown, &waited, &begun);
}

static bool begins_for(unsigned number)
{
    return begins(COOLDOWN_CHECK, number, SECONDS);
}

TestSuite(cooldowns, .init = make_policy, .fini = fixture_clean);

Test(cooldowns, none_leaves_nothing)
{
    cr_expect(begins(COOLDOWN_CHECK, 1, 0));
    cr_expect(begins(COOLDOWN_CHECK, 1, 0));
    cr_expect_neq(access(state, F_OK), 0);
}

Test(cooldowns, memory_spares_the_directory)
{
    errno = EDOM;
    cr_expect(begins_for(1));
    cr_expect_not(begins_for(1));
    cr_assert_eq(unlink(first_file), 0);
    cr_expect_not(begins_for(1));
    cr_expect_eq(errno, EDOM);
    cr_expect_neq(access(first_file, F_OK), 0, "it was not looked at");
}

static size_t lines_of_log(void)
{
    char text[4096] = "";
    size_t lines = 0;
    int file = open(log_path, O_RDONLY);
    if (file >= 0) {
        cr_assert_geq(read(file, text, sizeof text - 1), 0);
        close(file);
    }
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    return lines;
}

Test(cooldowns, where_nothing_can_be_written_memory_counts_and_that_is_said_once)
{
    directory_text(&directory, "state", "a file");
    cr_expect(begins_for(1));
    cr_expect_eq(lines_of_log(), 0, "not before there is an event");
    cr_expect_not(begins_for(1));
    cr_expect(begins_for(2));
    cr_expect(begins(COOLDOWN_EXPIRED, 1, SECONDS));
    cooldown_say_if_alone(&reporter, &begun);
    cooldown_say_if_alone(&reporter, &begun);
    cr_expect_eq(lines_of_log(), 1);
}

Test(cooldowns, one_that_others_see_is_not_alone)
{
    cr_expect(begins_for(1));
    cooldown_say_if_alone(&reporter, &begun);
    cr_expect(begins(COOLDOWN_CHECK, 2, 0));
    cooldown_say_if_alone(&reporter, &begun);
    cr_expect_eq(lines_of_log(), 0);
}

Test(cooldowns, one_that_is_given_back_begins_again)
{
    cr_expect(begins_for(1));
    cooldown_give_back(&policy, &begun, &waited);
    cr_expect(begins_for(1));
    cr_expect_not(begins_for(1));
    /* Without a directory too. */
    policy.state_directory = "/dev/null";
    cr_expect(begins_for(2));
    cooldown_give_back(&policy, &begun, &waited);
    cr_expect(begins_for(2));
    cr_expect_not(begins_for(2));
    cr_expect(begins(COOLDOWN_CHECK, 3, 0));
    cooldown_give_back(&policy, &begun, &waited);
}

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
    policy.store = redis_by_socket(redis);
    policy.store.type = STORE_REDIS;
    policy.store.timeout_ms = 5000;
}

Test(cooldowns, in_redis_as_keys_that_end)
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

Test(cooldowns, one_that_is_given_back_to_redis_leaves_no_key)
{
    struct redis redis = {0};
    use_redis(&redis);
    cr_expect(begins_for(0));
    cooldown_give_back(&policy, &begun, &waited);
    cr_expect_str_eq(redis_cli(&redis, "dbsize"), "0");
    cr_expect(begins_for(0));
    redis_cli(&redis,
              "set tlsgraft:cooldown:check:0000000000000000000000000000000000000000000000000000000000000000 "
              "another");
    cooldown_give_back(&policy, &begun, &waited);
    cr_expect_str_eq(redis_cli(&redis, "dbsize"), "1", "that of another process");
    cr_expect_neq(access(state, F_OK), 0);
}

Test(cooldowns, in_redis_one_of_many_processes_goes_ahead)
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
    bool runs = cooldown_in_redis(&policy.store, &cooldown, &wait, &found, why) == COOLDOWN_RUNS;
    *left = found.left_ms;
    return runs;
}

Test(cooldowns, redis_tells_how_long_one_runs)
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

Test(cooldowns, where_redis_is_dead_the_directory_takes_over)
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

Test(cooldowns, a_redis_that_does_not_answer_takes_no_more_than_the_handshake_has)
{
    struct mock mock;
    mock_start(&mock, "", 0, MOCK_WAITS);
    policy.store = redis_by_port(mock.port);
    policy.store.timeout_ms = 30;
    cr_expect(begins_for(1));
    cr_expect_geq(waited.spent_ms, 30);
    cr_expect_eq(size_of(first_file), 2 * ENTRY);
    /* Nothing is left for it. */
    waited.spent_ms = 30;
    cr_expect(begins_within(COOLDOWN_EXPIRED, numbered(1), SECONDS));
    cr_expect_eq(size_of(first_file), 3 * ENTRY);
    mock_kill(&mock);
}
