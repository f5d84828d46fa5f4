/* Which files a policy was read from, and whether one of them is another one now. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/file.h"
#include "config/watch.h"
#include "tests/unit/support.h"

#define PEM     "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n"
#define BUNDLE  "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
#define NOTHING "version = 1;"

static struct watch watch;
static char policy_path[128];

static void make(void)
{
    fixture_make();
    snprintf(policy_path, sizeof policy_path, "%s/policy.cfg", directory.path);
}

static void clean(void)
{
    watch_free(&watch);
    fixture_clean();
}

TestSuite(watch, .init = make, .fini = clean);

/* A file whose last change was at this second: tests need not wait for the clock. */
static const char *write_at(const char *name, const char *text, time_t second)
{
    const struct timespec times[2] = {{.tv_sec = second}, {.tv_sec = second}};
    const char *path = directory_text(&directory, name, text);
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    return path;
}

static bool load(void)
{
    watch_free(&watch);
    struct policy *policy = load_watched(policy_path, &findings, &watch);
    bool loaded = policy != NULL;
    policy_free(policy);
    cr_assert_not(watch.failed);
    return loaded;
}

static bool is_watched(const char *name)
{
    char path[128];
    size_t times = 0;
    snprintf(path, sizeof path, "%s/%s", directory.path, name);
    for (size_t i = 0; i < watch.count; i++)
        times += strcmp(watch.files[i].path, path) == 0;
    cr_expect_leq(times, 1);
    return times > 0;
}

/* A policy of every kind of file, each as it should be. */
static void write_all(void)
{
    char sub[128];
    snprintf(sub, sizeof sub, "%s/sub", directory.path);
    mkdir(sub, 0755);
    write_at("inner.cfg", "ca_file = \"ca.pem\"; ca_path = \"sub\";", 1000);
    write_at("ca.pem", BUNDLE, 1000);
    write_at("own.pem", BUNDLE, 1000);
    write_at("key.pem", PEM, 1000);
    write_at("other.pem", PEM, 1000);
    write_at(
        "policy.cfg",
        "version = 1;\n@include \"inner.cfg\"\nsecurity: { pinned_public_keys = ( { domain = \"a\"; keys = "
        "[ \"key.pem\", \"key.pem\" ]; verify = \"require\"; ca_file = \"own.pem\"; } ); };\nprograms = ( { "
        "name = \"x\"; match = \"x\"; pinned_public_keys = ( { domain = \"a\"; keys = \"other.pem\"; } ); } "
        ");",
        1000);
}

static const char *const all[] = {"policy.cfg", "inner.cfg", "ca.pem",   "sub",
                                  "own.pem",    "key.pem",   "other.pem"};

Test(watch, every_file_of_a_policy)
{
    write_all();
    cr_assert(load(), "%s", findings.text);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cr_expect(is_watched(all[i]), "%s", all[i]);
    cr_expect_eq(watch.count, sizeof all / sizeof *all);
    cr_expect_not(watch_has_changed(&watch));
}

Test(watch, a_change_of_any_of_them)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char path[128], aside[128];
        if (strcmp(all[i], "sub") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", directory.path, all[i]);
        snprintf(aside, sizeof aside, "%s/aside", directory.path);
        write_all();
        cr_assert(load(), "%s", findings.text);
        cr_assert_eq(rename(path, aside), 0);
        cr_expect(watch_has_changed(&watch), "%s is gone", all[i]);
        cr_assert_eq(rename(aside, path), 0);
        cr_expect_not(watch_has_changed(&watch), "%s is back", all[i]);
    }
}

Test(watch, a_file_renamed_over_it)
{
    write_at("policy.cfg", NOTHING, 1000);
    cr_assert(load());
    /* Of the same size and time: the inode tells. */
    cr_assert_eq(rename(write_at("new", NOTHING, 1000), policy_path), 0);
    cr_expect(watch_has_changed(&watch));
}

Test(watch, a_change_in_place)
{
    write_at("policy.cfg", NOTHING, 1000);
    cr_assert(load());
    write_at("policy.cfg", "version = 2;", 1001);
    cr_expect(watch_has_changed(&watch), "the same size at another time");
    write_at("policy.cfg", NOTHING " ", 1000);
    cr_expect(watch_has_changed(&watch), "another size at the same time");
    write_at("policy.cfg", NOTHING, 1000);
    cr_expect_not(watch_has_changed(&watch));
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = 1}};
    cr_assert_eq(utimensat(AT_FDCWD, policy_path, times, 0), 0);
    cr_expect(watch_has_changed(&watch), "the same second");
}

Test(watch, what_is_missing_and_then_there)
{
    cr_assert_not(load());
    cr_expect(is_watched("policy.cfg"));
    cr_expect_not(watch_has_changed(&watch));
    write_at("policy.cfg", "@include \"inner.cfg\"", 1000);
    cr_expect(watch_has_changed(&watch));
    cr_assert_not(load());
    cr_expect_not(watch_has_changed(&watch));
    write_at("inner.cfg",
             "version = 1; security: { pinned_public_keys = ( { domain = \"a\"; keys = \"key.pem\"; "
             "verify = \"require\"; ca_file = \"ca.pem\"; ca_path = \"sub\"; } ); };",
             1000);
    cr_expect(watch_has_changed(&watch));
    cr_assert(load(), "%s", findings.text);
    cr_expect_eq(findings.unresolved, 3);
    cr_expect_not(watch_has_changed(&watch));
    const char *const missing[] = {write_at("key.pem", PEM, 1), write_at("ca.pem", BUNDLE, 1)};
    unlink(missing[1]);
    cr_expect(watch_has_changed(&watch), "the key");
    unlink(missing[0]);
    write_at("ca.pem", BUNDLE, 1);
    cr_expect(watch_has_changed(&watch), "the certificates");
    unlink(missing[1]);
    char sub[128];
    snprintf(sub, sizeof sub, "%s/sub", directory.path);
    cr_assert_eq(mkdir(sub, 0755), 0);
    cr_expect(watch_has_changed(&watch), "the directory");
}

Test(watch, a_policy_that_is_refused_and_then_mended)
{
    static const struct {
        const char *name, *wrong;
        mode_t mode;
    } cases[] = {
        {"policy.cfg", "version = (", 0600},
        {"inner.cfg", "ca_file = ;", 0600},
        {"key.pem", "no PEM", 0600},
        {"ca.pem", "no PEM", 0600},
        {"policy.cfg", NULL, 0666},
        {"inner.cfg", NULL, 0660},
        {"key.pem", NULL, 0602},
        {"own.pem", NULL, 0602},
        {"sub", NULL, 0777},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", directory.path, cases[i].name);
        write_all();
        if (cases[i].wrong != NULL)
            write_at(cases[i].name, cases[i].wrong, 1000);
        cr_assert_eq(chmod(path, cases[i].mode), 0);
        cr_assert_not(load(), "%zu", i);
        cr_expect_not(watch_has_changed(&watch), "%zu", i);
        cr_assert_eq(chmod(path, strcmp(cases[i].name, "sub") == 0 ? 0755 : 0600), 0);
        write_all();
        cr_expect(watch_has_changed(&watch), "%zu", i);
        cr_assert(load(), "%zu %s", i, findings.text);
    }
}

/* Certificates in it are looked up when they are needed. */
Test(watch, what_a_directory_holds_does_not_count)
{
    char path[128];
    struct stat before, after;
    write_all();
    snprintf(path, sizeof path, "%s/sub", directory.path);
    cr_assert_eq(stat(path, &before), 0);
    cr_assert(load(), "%s", findings.text);
    unlink(write_at("sub/new.pem", BUNDLE, 1));
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    cr_assert_eq(stat(path, &after), 0);
    cr_assert_neq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    cr_expect_not(watch_has_changed(&watch));
}

Test(watch, a_file_that_gets_another_owner)
{
    if (geteuid() != 0)
        return;
    write_at("policy.cfg", NOTHING, 1000);
    cr_assert_eq(chown(policy_path, 65534, 0), 0);
    cr_assert_not(load());
    cr_expect_not(watch_has_changed(&watch));
    cr_assert_eq(chown(policy_path, 0, 0), 0);
    cr_expect(watch_has_changed(&watch));
    cr_expect(load());
}

Test(watch, the_secret_file_too)
{
    write_at("policy.cfg",
             "version = 1; security: { private_certificate_encoding_secret_file = \"secret\"; };", 1);
    load();
    cr_expect(is_watched("secret"));
    cr_expect_not(watch_has_changed(&watch));
    write_at("secret", "hush", 1);
    cr_expect(watch_has_changed(&watch));
}

Test(watch, a_file_without_permission_is_not_read_again_and_again)
{
    write_at("policy.cfg", NOTHING, 1000);
    cr_assert_eq(chmod(policy_path, 0600), 0);
    cr_assert_eq(chmod(directory.path, 0755), 0);
    uid_t user = geteuid();
    if (user == 0)
        cr_assert_eq(seteuid(65534), 0);
    else
        cr_assert_eq(chmod(policy_path, 0), 0);
    cr_assert_not(load());
    cr_expect_not(watch_has_changed(&watch));
    if (user == 0)
        cr_assert_eq(seteuid(0), 0);
    else
        cr_assert_eq(chmod(policy_path, 0600), 0);
    cr_expect(watch_has_changed(&watch));
    cr_expect(load());
}

/* One byte is written again and again, with another time each, until a reader was in the middle of it. */
static _Atomic bool enough;

static void *keep_writing(void *path)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    for (long second = 2000; !enough; second++) {
        const struct timespec times[2] = {{.tv_sec = second}, {.tv_sec = second}};
        if (pwrite(descriptor, "x", 1, 0) != 1 || futimens(descriptor, times) != 0)
            abort();
    }
    close(descriptor);
    return NULL;
}

Test(watch, a_file_that_changes_while_it_is_read)
{
    static char large[8 << 20];
    struct arena arena;
    pthread_t writer;
    memset(large, 'x', sizeof large - 1);
    const char *path = write_at("large", large, 1000);
    arena_init(&arena, (size_t)64 << 20);
    cr_assert_eq(pthread_create(&writer, NULL, keep_writing, (void *)path), 0);
    do {
        const char *why;
        struct file_text text;
        watch_free(&watch);
        cr_assert_eq(file_read(&arena, &watch, path, sizeof large, FILE_PUBLIC, &text, &why), FILE_READ);
        cr_assert_eq(watch.count, 1);
        arena_free(&arena);
    } while (watch.files[0].present);
    enough = true;
    pthread_join(writer, NULL);
    cr_expect(watch_has_changed(&watch));
    cr_expect(watch_has_changed(&watch), "until it is read again");
}

Test(watch, errno_stays)
{
    write_at("policy.cfg", NOTHING, 1000);
    cr_assert(load());
    errno = 4711;
    cr_expect_not(watch_has_changed(&watch));
    cr_expect_eq(errno, 4711);
    unlink(policy_path);
    cr_expect(watch_has_changed(&watch));
    cr_expect_eq(errno, 4711);
}

Test(watch, what_could_not_be_remembered_counts_as_changed)
{
    struct watch empty = {.failed = false};
    cr_expect_not(watch_has_changed(&empty));
    empty.failed = true;
    cr_expect(watch_has_changed(&empty));
    watch_free(&empty);
    cr_expect_not(empty.failed);
}

Test(watch, the_same_path_in_another_state_is_remembered_too)
{
    struct stat status;
    write_at("policy.cfg", NOTHING, 1000);
    cr_assert_eq(stat(policy_path, &status), 0);
    watch_add(&watch, policy_path, &status);
    watch_add(&watch, policy_path, &status);
    cr_expect_eq(watch.count, 1);
    status.st_size++;
    watch_add(&watch, policy_path, &status);
    cr_expect_eq(watch.count, 2);
    cr_expect(watch_has_changed(&watch));
}

Test(watch, many_files)
{
    for (int i = 0; i < 1000; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/none-%d", directory.path, i);
        watch_add(&watch, name, NULL);
    }
    cr_expect_eq(watch.count, 1000);
    cr_expect_not(watch_has_changed(&watch));
    write_at("none-999", "", 1);
    cr_expect(watch_has_changed(&watch));
}

/* AddressSanitizer ends a process that has no memory left. */
#ifndef __SANITIZE_ADDRESS__
/* Loads with so much memory left, and no more. */
static void load_within(rlim_t bytes)
{
    char text[64];
    struct rlimit before, tight;
    FILE *statm = fopen("/proc/self/statm", "re");
    cr_assert_not_null(fgets(text, sizeof text, statm));
    fclose(statm);
    cr_assert_eq(getrlimit(RLIMIT_AS, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)strtol(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
    cr_assert_eq(setrlimit(RLIMIT_AS, &tight), 0);
    struct policy *policy = load_watched(policy_path, &findings, &watch);
    cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
    cr_expect_null(policy);
    policy_free(policy);
}

Test(watch, a_policy_for_which_memory_was_short_is_tried_again)
{
    static char text[4 << 20];
    char *out = stpcpy(text, NOTHING " security: { pinned_public_keys = ( ");
    for (int i = 0; i < 40000; i++)
        out += sprintf(out, "%s{ domain = \"d%d\"; min_version = \"1.2\"; }", i == 0 ? "" : ",", i);
    stpcpy(out, " ); };");
    write_at("policy.cfg", text, 1000);
    /* Not enough to read the text; enough for that, and not for what is made of it. */
    for (rlim_t megabytes = 1; megabytes <= 4; megabytes += 3) {
        load_within(megabytes << 20);
        cr_expect_not_null(strstr(findings.text, "memory"), "%s", findings.text);
        cr_expect(watch.failed);
        cr_expect(watch_has_changed(&watch));
        watch_free(&watch);
    }
    cr_assert(load());
    cr_expect_not(watch_has_changed(&watch));
}
#endif

Test(watch, a_policy_that_is_too_large_is_not_tried_again)
{
    static char text[16 << 20];
    char *out = stpcpy(text, "x = (");
    while ((size_t)(out - text) < sizeof text - 100)
        out = stpcpy(out, "1,");
    stpcpy(out, "1);");
    write_at("policy.cfg", text, 1000);
    cr_assert_not(load());
    cr_expect_not_null(strstr(findings.text, "more memory"), "%s", findings.text);
    cr_expect_not(watch_has_changed(&watch));
}
