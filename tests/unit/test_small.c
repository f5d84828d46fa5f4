/* arena, limit, text, hostio. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/arena.h"
#include "policy/hostio.h"
#include "policy/limit.h"
#include "policy/text.h"
#include "tests/unit/support.h"

Test(arena, blocks_are_zero_and_keep_what_is_written)
{
    struct arena arena;
    unsigned char *blocks[500];
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < 500; i++) {
        blocks[i] = arena_alloc(&arena, i);
        for (size_t k = 0; k < i; k++)
            cr_assert_eq(blocks[i][k], 0);
        memset(blocks[i], (int)i, i);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t k = 0; k < i; k++)
            cr_assert_eq(blocks[i][k], (unsigned char)i);
    }
    arena_free(&arena);
}

Test(arena, growing_keeps_the_content_and_costs_a_constant_factor)
{
    struct arena arena;
    char *block = NULL;
    arena_init(&arena, 1 << 22);
    for (size_t size = 1; size <= 300000; size++) {
        block = arena_grow(&arena, block, size);
        cr_assert_not_null(block);
        block[size - 1] = (char)size;
    }
    for (size_t size = 1; size <= 300000; size++)
        cr_assert_eq(block[size - 1], (char)size);
    arena_free(&arena);
}

Test(arena, the_limit_holds)
{
    struct arena arena;
    arena_init(&arena, 8192);
    cr_expect_not_null(arena_alloc(&arena, 4000));
    cr_expect_not(arena.failed);
    cr_expect_null(arena_alloc(&arena, 1 << 20));
    cr_expect(arena.failed);
    cr_expect_null(arena_alloc(&arena, (size_t)-1));
    cr_expect_null(arena_grow(&arena, NULL, (size_t)-16));
    arena_free(&arena);
}

Test(limit, one_in_a_minute_and_the_others_counted)
{
    static struct event_limit limit = EVENT_LIMIT_INITIAL;
    unsigned suppressed = 99;
    cr_expect(event_limit_allows(&limit, 1, "a", 1000, &suppressed));
    cr_expect_eq(suppressed, 0);
    cr_expect_not(event_limit_allows(&limit, 1, "a", 1000, &suppressed));
    cr_expect_not(event_limit_allows(&limit, 1, "a", 1059, &suppressed));
    cr_expect(event_limit_allows(&limit, 2, "a", 1059, &suppressed), "another kind");
    cr_expect(event_limit_allows(&limit, 1, "b", 1059, &suppressed), "another domain");
    cr_expect(event_limit_allows(&limit, 1, NULL, 1059, &suppressed), "no domain");
    cr_expect(event_limit_allows(&limit, 1, "a", 1060, &suppressed));
    cr_expect_eq(suppressed, 2);
    cr_expect(event_limit_allows(&limit, 1, "a", 1120, &suppressed));
    cr_expect_eq(suppressed, 0);
}

Test(limit, more_pairs_than_there_is_room_for)
{
    static struct event_limit limit = EVENT_LIMIT_INITIAL;
    unsigned suppressed;
    char domain[32];
    for (int i = 0; i < 10 * EVENT_LIMIT_ENTRIES; i++) {
        snprintf(domain, sizeof domain, "%d", i);
        cr_expect(event_limit_allows(&limit, 1, domain, 1000 + i, &suppressed));
    }
    cr_expect_not(event_limit_allows(&limit, 1, domain, 1000 + 10 * EVENT_LIMIT_ENTRIES, &suppressed));
}

Test(text, times)
{
    static const struct {
        long long time;
        const char *text;
    } times[] = {
        {0, "1970-01-01T00:00:00Z"},          {-1, "1969-12-31T23:59:59Z"},
        {951827696, "2000-02-29T12:34:56Z"},  {1709164800, "2024-02-29T00:00:00Z"},
        {4107542400, "2100-03-01T00:00:00Z"}, {253402300799, "9999-12-31T23:59:59Z"},
    };
    char text[TEXT_TIME_SIZE];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        text_of_time(times[i].time, text);
        cr_expect_str_eq(text, times[i].text);
    }
}

Test(text, a_word_for_a_shell)
{
    static const char *const words[][2] = {
        {"", "''"}, {"/a b", "'/a b'"}, {"a'$(x)'", "'a'\\''$(x)'\\'''"}, {"\\`\"", "'\\`\"'"}};
    struct arena arena;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_expect_str_eq(text_for_shell(&arena, words[i][0]), words[i][1]);
    arena_free(&arena);
}

Test(text, what_is_not_utf8_is_replaced)
{
    static const char *const pairs[][2] = {
        {"plain", "plain"},      {"b\xc3\xbc", "b\xc3\xbc"},
        {"\xff\xfe", "??"},      {"\xc0\xaf", "??"},
        {"\xed\xa0\x80", "???"}, {"\xf4\x90\x80\x80", "????"},
        {"\xe2\x82", "??"},      {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xe0\x80\x80", "???"},
    };
    char out[16];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        text_to_utf8(pairs[i][0], out, sizeof out);
        cr_expect_str_eq(out, pairs[i][1]);
    }
    text_to_utf8("aaaaaaaaaaaaa\xf0\x9f\x98\x80", out, sizeof out);
    cr_expect_str_eq(out, "aaaaaaaaaaaaa", "a character is not cut in two");
}

Test(text, what_a_terminal_could_obey_is_replaced)
{
    static const char *const pairs[][2] = {
        {"a\x1b[31m\t\x7f", "a?[31m??"},
        {"a\xc2\x9b"
         "31m\xc2\x80\xc2\x9f",
         "a?31m??"},
        {"\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9.", "????."},
        {"\x9b"
         "31m\xff\xe2\x82",
         "?31m???"},
        {"\xc2\xa0\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "\xc2\xa0\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", pairs[i][0]);
        text_for_terminal(text);
        cr_expect_str_eq(text, pairs[i][1]);
    }
}

Test(hostio, appends_to_regular_files_only)
{
    struct directory directory;
    char path[128], link_path[128], fifo[128], line[16] = "";
    directory_make(&directory);
    snprintf(path, sizeof path, "%s/events", directory.path);
    snprintf(link_path, sizeof link_path, "%s/link", directory.path);
    snprintf(fifo, sizeof fifo, "%s/fifo", directory.path);
    cr_expect(hostio_append(path, "one\n", 4));
    cr_expect(hostio_append(path, "two\n", 4));
    int descriptor = open(path, O_RDONLY);
    cr_expect_eq(read(descriptor, line, sizeof line), 8);
    cr_expect_str_eq(line, "one\ntwo\n");
    close(descriptor);
    cr_assert_eq(symlink(path, link_path), 0);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    cr_expect_not(hostio_append(link_path, "x", 1));
    cr_expect_not(hostio_append(fifo, "x", 1), "a FIFO without a reader");
    int reader = open(fifo, O_RDONLY | O_NONBLOCK);
    cr_expect_not(hostio_append(fifo, "x", 1), "a FIFO with a reader");
    close(reader);
    cr_expect_not(hostio_append(directory.path, "x", 1));
    directory_remove(&directory);
}

Test(hostio, half_a_line_of_another_swallows_nothing)
{
    struct directory directory;
    directory_make(&directory);
    const char *path = directory_text(&directory, "events", "one\nha");
    cr_expect(hostio_append(path, "two\n", 4));
    cr_expect(hostio_append(path, "three\n", 6));
    cr_expect_str_eq(text_of_file(path), "one\nhatwo\ntwo\nthree\n");
    directory_remove(&directory);
}

Test(hostio, says_why_nothing_was_appended)
{
    struct directory directory;
    char path[128];
    const struct rlimit limit = {10, 10};
    directory_make(&directory);
    cr_expect_not(hostio_append("/dev/full", "x\n", 2));
    cr_expect_eq(errno, EINVAL);
    snprintf(path, sizeof path, "%s/none/events", directory.path);
    cr_expect_not(hostio_append(path, "x\n", 2));
    cr_expect_eq(errno, ENOENT);
    snprintf(path, sizeof path, "%s/events", directory.path);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect(hostio_append(path, "short\n", 6));
    cr_expect_not(hostio_append(path, "longer\n", 7));
    cr_expect_eq(errno, EFBIG);
    cr_expect(hostio_append(path, "end\n", 4));
    cr_expect_str_eq(text_of_file(path), "short\nend\n", "nothing of the one that is too long");
    directory_remove(&directory);
}

static volatile sig_atomic_t signals;
static void count_signal(int number)
{
    (void)number;
    signals++;
}

Test(hostio, its_signals_never_reach_the_host)
{
    struct directory directory;
    char path[128];
    struct hostio io;
    const struct rlimit limit = {4, 4};
    signal(SIGXFSZ, count_signal);
    directory_make(&directory);
    snprintf(path, sizeof path, "%s/events", directory.path);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    hostio_enter(&io);
    cr_expect_not(hostio_append(path, "more than four", 14) && hostio_append(path, "x", 1));
    hostio_append(path, "x", 1);
    hostio_leave(&io);
    cr_expect_eq(signals, 0);
    raise(SIGXFSZ);
    cr_expect_eq(signals, 1, "the host's own do");
    directory_remove(&directory);
}

Test(hostio, never_takes_a_standard_descriptor)
{
    int saved = dup(0);
    close(0);
    int descriptor = hostio_open("/dev/null", O_RDONLY, 0);
    cr_expect_gt(descriptor, 2);
    cr_expect_eq(fcntl(0, F_GETFD), -1);
    close(descriptor);
    dup2(saved, 0);
}
