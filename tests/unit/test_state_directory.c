/* The state directory: who makes it, with which modes, and what is not used. */
#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/cooldown_support.h"

enum { OTHER_USER = 65534 };

TestSuite(state_directory, .init = cooldown_fixture_make, .fini = fixture_clean);

static unsigned mode_of(const char *path)
{
    struct stat status;
    cr_assert_eq(lstat(path, &status), 0, "%s: %s", path, strerror(errno));
    return (unsigned)status.st_mode & 07777U;
}

Test(state_directory, the_directory_is_made_whatever_the_umask_is)
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

Test(state_directory, the_directory_is_made_although_the_umask_leaves_no_rights)
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

Test(state_directory, a_state_directory_that_others_may_change_is_not_used)
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

Test(state_directory, links_are_not_followed)
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

Test(state_directory, a_directory_of_another_user_is_not_used)
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

Test(state_directory, users_do_not_hold_each_other_back)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    chmod(directory.path, 0755);
    as_other_user(is_unusable_as_other);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_BEGINS);
    as_other_user(begins_as_other);
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_RUNS);
}

Test(state_directory, what_cannot_be_made)
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
