/* The store in a directory. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/record.h"
#include "tests/unit/stores.h"
#include "tests/unit/support.h"

TestSuite(store_directory, .init = fixture_make, .fini = fixture_clean);

static struct store_settings settings_of(const char *path)
{
    return (struct store_settings){.type = STORE_DIRECTORY, .path = path, .timeout_ms = 500};
}

static const char *path_of(const char *id)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s.pem", directory.path, id);
    return path;
}

/* The names in the directory that are no records of ORGANISATION. */
static unsigned strangers(void)
{
    unsigned count = 0;
    DIR *entries = opendir(directory.path);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        size_t length = strlen(entry->d_name);
        count += entry->d_name[0] != '.'
                     ? length != strlen(ORGANISATION) + 64 + 4
                     : strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(entries);
    return count;
}

static mode_t mode_of(const char *id)
{
    struct stat status = {0};
    cr_expect_eq(stat(path_of(id), &status), 0);
    return status.st_mode & 07777;
}

Test(store_directory, what_is_written_is_read_and_deleted)
{
    struct store_settings store = settings_of(directory.path);
    struct store_text text;
    const char *id = stores_id(ORGANISATION, 1);
    cr_expect_eq(stores_read(&store, id, &text), STORE_ABSENT);
    cr_expect_null(text.text);
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_DONE, "%s", why);
    cr_expect(stores_has(&store, ORGANISATION, 1));
    cr_expect_eq(strangers(), 0);
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_EXISTS);
    cr_expect_eq(store_delete(&store, ORGANISATION, id, why), STORE_DONE);
    cr_expect_eq(store_delete(&store, ORGANISATION, id, why), STORE_ABSENT);
    cr_expect_eq(stores_read(&store, id, &text), STORE_ABSENT);
}

Test(store_directory, a_directory_that_is_missing_is_empty_and_is_made)
{
    char path[128], parent[96];
    struct stat status;
    struct store_text text;
    snprintf(parent, sizeof parent, "%s/sub", directory.path);
    snprintf(path, sizeof path, "%s/certs", parent);
    struct store_settings store = settings_of(path);
    umask(077);
    cr_expect_eq(stores_read(&store, stores_id("", 1), &text), STORE_ABSENT);
    cr_expect_str_eq(stores_listed(&store, ""), "");
    cr_expect_eq(store_delete(&store, "", stores_id("", 1), why), STORE_ABSENT);
    cr_expect_eq(stores_write(&store, "", 1), STORE_DONE, "%s", why);
    cr_expect(stores_has(&store, "", 1));
    cr_expect(stat(path, &status) == 0 && (status.st_mode & 07777) == 0755);
    cr_expect(stat(parent, &status) == 0 && (status.st_mode & 07777) == 0755);
    cr_expect_eq(store_delete(&store, "", stores_id("", 1), why), STORE_DONE);
    rmdir(path);
}

Test(store_directory, who_may_read_a_record_does_not_depend_on_the_umask)
{
    struct store_settings store = settings_of(directory.path);
    static const mode_t masks[] = {0, 022, 077};
    for (unsigned i = 0; i < 3; i++) {
        umask(masks[i]);
        const char *with_key = stores_id("", 10 + i);
        cr_expect_eq(stores_write(&store, "", i), STORE_DONE);
        cr_expect_eq(mode_of(stores_id("", i)), 0644);
        cr_expect_eq(store_write(&store, "", with_key, "x\n", 2, true, NULL, why), STORE_DONE);
        cr_expect_eq(mode_of(with_key), 0640);
    }
}

Test(store_directory, one_that_is_replaced_keeps_its_place)
{
    struct store_settings store = settings_of(directory.path);
    char expected[512];
    snprintf(expected, sizeof expected, "%s %s %s ", stores_id(ORGANISATION, 7), stores_id(ORGANISATION, 3),
             stores_id(ORGANISATION, 5));
    static const unsigned order[] = {7, 3, 5};
    for (size_t i = 0; i < 3; i++) {
        /* The clock of files may tick slower than this writes. */
        const struct timespec times[] = {{.tv_sec = 1000 + (time_t)i}, {.tv_sec = 1000 + (time_t)i}};
        cr_expect_eq(stores_write(&store, ORGANISATION, order[i]), STORE_DONE);
        cr_expect_eq(utimensat(AT_FDCWD, path_of(stores_id(ORGANISATION, order[i])), times, 0), 0);
    }
    directory_text(&directory, "README", "not a record");
    directory_text(&directory, "short.pem", "neither");
    stores_write(&store, "other", 1);
    cr_expect_str_eq(stores_listed(&store, ORGANISATION), expected);
    const char *id = stores_id(ORGANISATION, 3);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "new\n", 4, true, &stores_whole, why), STORE_DONE,
                 "%s", why);
    struct store_text text;
    cr_expect_eq(stores_read(&store, id, &text), STORE_DONE);
    cr_expect_str_eq(text.text, "new\n");
    free(text.text);
    cr_expect_eq(mode_of(id), 0640);
    cr_expect_str_eq(stores_listed(&store, ORGANISATION), expected);
    cr_expect_eq(strangers(), 3, "README, short.pem, the other organisation's");
}

Test(store_directory, what_has_changed_since_it_was_read_is_not_replaced)
{
    struct store_settings store = settings_of(directory.path);
    const char *id = stores_id(ORGANISATION, 1);
    const struct store_text other = {.text = (char[]){"other"}, .length = 5};
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_DONE);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "new", 3, true, &other, why), STORE_EXISTS);
    cr_expect(stores_has(&store, ORGANISATION, 1));
    cr_expect_eq(store_delete(&store, ORGANISATION, id, why), STORE_DONE);
    cr_expect_eq(store_write(&store, ORGANISATION, id, "new", 3, true, &other, why), STORE_DONE);
}

/* It may hold a private key: whoever deletes the record means that too. */
Test(store_directory, every_change_removes_what_a_dead_writer_left)
{
    struct store_settings store = settings_of(directory.path);
    stores_write(&store, ORGANISATION, 1);
    directory_text(&directory, ".tlsgraft-1-2", "a key");
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_EXISTS);
    cr_expect_eq(strangers(), 0);
    directory_text(&directory, ".tlsgraft-1-2", "a key");
    cr_expect_eq(store_delete(&store, ORGANISATION, stores_id(ORGANISATION, 2), why), STORE_ABSENT);
    cr_expect_eq(strangers(), 0);
    directory_text(&directory, ".tlsgraft-1-2", "a key");
    cr_expect_eq(store_delete(&store, ORGANISATION, stores_id(ORGANISATION, 1), why), STORE_DONE);
    cr_expect_eq(strangers(), 0);
}

Test(store_directory, ties_are_listed_by_name)
{
    struct store_settings store = settings_of(directory.path);
    char expected[512] = "";
    for (unsigned i = 5; i-- > 0;) {
        const struct timespec times[] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = 5}};
        stores_write(&store, "", i);
        cr_expect_eq(utimensat(AT_FDCWD, path_of(stores_id("", i)), times, 0), 0);
    }
    for (unsigned i = 0; i < 5; i++)
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s ", stores_id("", i));
    cr_expect_str_eq(stores_listed(&store, ""), expected);
}

static void expect_failure(const char *id, const char *words)
{
    struct store_settings store = settings_of(directory.path);
    struct store_text text;
    cr_expect_eq(stores_read(&store, id, &text), STORE_FAILED);
    cr_expect_null(text.text);
    cr_expect_not_null(strstr(why, words), "%s", why);
}

Test(store_directory, what_is_no_trustworthy_file_is_refused)
{
    const char *id = stores_id("", 1);
    cr_assert_eq(symlink(directory_text(&directory, "real", "x"), path_of(id)), 0);
    expect_failure(id, "is a symbolic link, which is not followed");
    unlink(path_of(id));
    cr_assert_eq(mkfifo(path_of(id), 0644), 0);
    expect_failure(id, "is not a regular file");
    unlink(path_of(id));
    close(open(path_of(id), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    chmod(path_of(id), 0666);
    expect_failure(id, "is writable by others than its owner (mode 0666); run: chmod go-w");
    chmod(path_of(id), 0644);
    cr_assert_eq(truncate(path_of(id), RECORD_TEXT_MAX + 1), 0);
    expect_failure(id, "has more than 1048576 bytes");
    cr_assert_eq(truncate(path_of(id), RECORD_TEXT_MAX), 0);
    struct store_settings store = settings_of(directory.path);
    struct store_text text;
    cr_expect_eq(stores_read(&store, id, &text), STORE_DONE, "the longest that is allowed");
    free(text.text);
    if (geteuid() == 0) {
        cr_assert_eq(chown(path_of(id), 4711, 4711), 0);
        expect_failure(id, "belongs to user 4711; it must belong to root or to the user that runs");
    }
}

Test(store_directory, ids_that_lead_elsewhere_are_refused_everywhere)
{
    static const char *const ids[] = {"",        "a/b",  "../etc/passwd", "a..b",
                                      ".hidden", "a\nb", "a\x1b[2J",      "\x7f"};
    struct store_settings store = settings_of(directory.path);
    struct store_text text;
    char longest[10001];
    memset(longest, 'a', sizeof longest);
    longest[10000] = '\0';
    for (size_t i = 0; i <= sizeof ids / sizeof *ids; i++) {
        const char *id = i < sizeof ids / sizeof *ids ? ids[i] : longest;
        cr_expect_eq(stores_read(&store, id, &text), STORE_FAILED);
        cr_expect_not_null(strstr(why, "the id is refused: "), "%s", why);
        cr_expect_eq(store_write(&store, "", id, "x", 1, false, NULL, why), STORE_FAILED);
        cr_expect_eq(store_delete(&store, "", id, why), STORE_FAILED);
        if (id[0] != '\0')
            cr_expect_eq(store_list(&store, id, NULL, NULL, why), STORE_FAILED, "%s", id);
    }
    longest[RECORD_ID_MAX] = '\0';
    cr_expect_eq(store_write(&store, "", longest, "x", 1, false, NULL, why), STORE_DONE, "%s", why);
}

Test(store_directory, one_id_that_is_refused_does_not_keep_others_away)
{
    struct store_settings store = settings_of(directory.path);
    const char *const ids[] = {stores_id("", 1), "a/b", stores_id("", 2), stores_id("", 1)};
    enum store_result results[4];
    struct store_text texts[4];
    stores_write(&store, "", 1);
    store_read(&store, ids, 4, 500, results, texts, why);
    cr_expect_eq(results[0], STORE_DONE);
    cr_expect_eq(results[1], STORE_FAILED);
    cr_expect_eq(results[2], STORE_ABSENT);
    cr_expect_eq(results[3], STORE_DONE);
    for (size_t i = 0; i < 4; i++)
        free(texts[i].text);
}

Test(store_directory, what_cannot_be_written_says_why_and_leaves_nothing)
{
    struct store_settings store = settings_of(directory_text(&directory, "file", "x"));
    struct store_text text;
    cr_expect_eq(stores_write(&store, "", 1), STORE_FAILED);
    cr_expect_not_null(strstr(why, "it is not a directory"), "%s", why);
    cr_expect_eq(stores_read(&store, stores_id("", 1), &text), STORE_FAILED);
    cr_expect_not_null(strstr(why, "it is not a directory"), "%s", why);
    cr_expect_not_null(strstr(stores_listed(&store, ""), "it is not a directory"), "%s", why);
    store = settings_of("/proc/nowhere/certs");
    cr_expect_eq(stores_write(&store, "", 1), STORE_FAILED);
    cr_expect_not_null(strstr(why, "it cannot be made: "), "%s", why);

    store = settings_of(directory.path);
    const struct rlimit limit = {1000, RLIM_INFINITY};
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    cr_expect_eq(stores_write(&store, ORGANISATION, 1), STORE_DONE);
    unlink(directory_text(&directory, "file", ""));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_eq(stores_write(&store, ORGANISATION, 2), STORE_FAILED);
    cr_expect_not_null(strstr(why, "File too large; raise the limit"), "%s", why);
    cr_expect_eq(store_write(&store, ORGANISATION, stores_id(ORGANISATION, 1), stores_text, 19000, true,
                             &stores_whole, why),
                 STORE_FAILED);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    cr_expect_eq(strangers(), 0);
    cr_expect(stores_has(&store, ORGANISATION, 1), "the one that was to be replaced");
    cr_expect_eq(stores_read(&store, stores_id(ORGANISATION, 2), &text), STORE_ABSENT);
}

Test(store_directory, of_writers_at_once_one_succeeds)
{
    struct store_settings store = settings_of(directory.path);
    struct stores_tally tally = stores_write_at_once(&store, 8, 20);
    cr_expect_eq(tally.done, 20);
    cr_expect_eq(tally.exists, 140);
    cr_expect_eq(tally.failed, 0);
    cr_expect_eq(strangers(), 0);
}

Test(store_directory, a_writer_that_is_killed_leaves_whole_records, .timeout = 200)
{
    struct store_settings store = settings_of(directory.path);
    unsigned written = 0;
    for (unsigned round = 0; round < 200; round++) {
        unsigned number = round * 1000;
        stores_write_and_die(&store, number, false);
        cr_assert_eq(strangers(), 0);
        while (access(path_of(stores_id(ORGANISATION, number)), F_OK) == 0) {
            cr_assert(stores_has(&store, ORGANISATION, number));
            cr_assert_eq(mode_of(stores_id(ORGANISATION, number)), 0640);
            unlink(path_of(stores_id(ORGANISATION, number++)));
            written++;
        }
    }
    cr_expect_gt(written, 20, "the kills come too early to prove anything");
}

Test(store_directory, a_replacer_that_is_killed_leaves_one_of_both, .timeout = 200)
{
    struct store_settings store = settings_of(directory.path);
    for (unsigned round = 0; round < 100; round++) {
        stores_write(&store, ORGANISATION, 1);
        stores_write_and_die(&store, 1, true);
        cr_assert(stores_has(&store, ORGANISATION, 1));
    }
    stores_write(&store, ORGANISATION, 2);
    cr_expect_eq(strangers(), 0, "the next writer removes what was left");
}

/* A child holds the lock until its pipe ends. */
Test(store_directory, a_writer_waits_for_another)
{
    struct store_settings store = settings_of(directory.path);
    int ends[2];
    char byte;
    cr_assert_eq(pipe(ends), 0);
    int held = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(flock(held, LOCK_EX), 0);
    pid_t process = fork();
    if (process == 0) {
        close(held);
        enum store_result result = stores_write(&store, ORGANISATION, 1);
        _exit(write(ends[1], "", 1) == 1 && result == STORE_DONE ? 0 : 1);
    }
    int status = 0;
    cr_expect_not(stores_has(&store, ORGANISATION, 1), "readers do not wait");
    cr_expect_eq(waitpid(process, &status, WNOHANG), 0);
    close(held);
    cr_expect_eq(read(ends[0], &byte, 1), 1);
    cr_expect(waitpid(process, &status, 0) == process && status == 0);
    cr_expect(stores_has(&store, ORGANISATION, 1));
}
