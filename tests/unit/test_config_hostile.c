/* Files that were made to do harm: an error, and never an end, a hang or a crash of the host. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support.h"

/* The seconds are for what never ends; nothing here comes near them. */
TestSuite(hostile, .init = fixture_make, .fini = fixture_clean, .timeout = 60);

static void expect_refused(const char *words)
{
    char path[128];
    snprintf(path, sizeof path, "%s/policy.cfg", directory.path);
    struct policy *policy = load_file(path, &findings);
    cr_expect_null(policy);
    cr_expect_not_null(strstr(findings.text, words), "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, directory.path), "%s", findings.text);
    policy_free(policy);
}

static void write_repeated(const char *begin, const char *unit, size_t times, const char *end)
{
    size_t length = strlen(begin) + times * strlen(unit) + strlen(end);
    char *text = malloc(length + 1);
    char *out = stpcpy(text, begin);
    for (size_t i = 0; i < times; i++)
        out = stpcpy(out, unit);
    stpcpy(out, end);
    directory_write(&directory, "policy.cfg", text, length);
    free(text);
}

Test(hostile, size)
{
    write_repeated("version = 1;", " ", (16 << 20) + 1, "");
    expect_refused("is larger than 16777216 bytes");
    write_repeated("organisation = \"", "a", (16 << 20) - 100, "\";");
    expect_refused("version: missing");
    write_repeated("x = (", "1,", (8 << 20) - 100, "1);");
    expect_refused("the policy needs more memory than there is");
    write_repeated("x = \"", "\" \"", 4 << 20, "\";");
    expect_refused("unknown setting");
    write_repeated("", "a=1;", (4 << 20) - 100, "");
    expect_refused("more than 64 settings");
    write_repeated("", "/**/", (4 << 20) - 100, "");
    expect_refused("version: missing");
    write_repeated("", "\n", (16 << 20) - 100, "version = 2;");
    expect_refused(":16777117: version: 2");
}

Test(hostile, nesting)
{
    write_repeated("x = ", "{ y = ", 10000, "1;");
    expect_refused("nested more than 32 deep");
    write_repeated("x = ", "(", 10000, "");
    expect_refused("nested more than 32 deep");
    write_repeated("x = ", "[", 10000, "");
    expect_refused("nested more than 32 deep");
    write_repeated("x = ", "(", 32, ")");
    expect_refused("syntax error");
}

/* libconfig takes it for the end; so the rules behind it must not be left out in silence. */
Test(hostile, a_nul_in_a_comment_or_a_text)
{
    static const char *const places[] = {"/* ~ */", "# ~\n", "// ~\n", "organisation = \"~\";",
                                         "\"~\";",  "~"};
    char text[512];
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(text, sizeof text,
                 "version = 1;\n%s\nsecurity: { pinned_public_keys = ( { domain = \"a\"; keys = "
                 "\"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"; } ); };",
                 places[i]);
        size_t length = strlen(text);
        *strchr(text, '~') = '\0';
        findings = (struct findings){0};
        directory_write(&directory, "policy.cfg", text, length);
        expect_refused(":2: a NUL byte");
        cr_expect_eq(findings.errors, 1, "%s", findings.text);
    }
}

static void *load_on_a_small_stack(void *path)
{
    struct findings *own = calloc(1, sizeof *own);
    struct policy *policy = load_file(path, own);
    const char *words = policy == NULL ? NULL : "loaded";
    policy_free(policy);
    free(own);
    return (void *)words;
}

static bool loads_on_a_small_stack(void)
{
    pthread_t thread;
    pthread_attr_t small;
    void *result;
    char path[128];
    snprintf(path, sizeof path, "%s/policy.cfg", directory.path);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    cr_assert_eq(pthread_create(&thread, &small, load_on_a_small_stack, path), 0);
    cr_assert_eq(pthread_join(thread, &result), 0);
    return result != NULL;
}

Test(hostile, the_deepest_nesting_that_is_allowed_fits_a_64_kb_stack)
{
    write_repeated("version = 1; x = ", "( { y = ", 16, "1; } ) } )");
    cr_expect_not(loads_on_a_small_stack());
}

Test(hostile, a_name_that_is_resolved_fits_a_64_kb_stack)
{
    directory_text(&directory, "policy.cfg",
                   "version = 1; store: { type = \"redis\"; address = \"localhost:1\"; };\n"
                   "security: { pinned_public_keys = ( { domain = \"a\"; keys = \"an-id\"; } ); };");
    cr_expect(loads_on_a_small_stack());
}

Test(hostile, sections_and_their_files_fit_a_64_kb_stack)
{
    directory_text(&directory, "inner.cfg", "x = 1;");
    write_repeated("version = 1; ca_path = \"missing\"; programs = ( ",
                   "{ name = \"same\"; match = \"a/b\"; pinned_public_keys = ( { domain = \"a\"; expires = "
                   "\"2020-01-01\"; keys = \"missing.pem\"; ca_file = \"missing\"; } ); }, ",
                   1000, "{ name = \"other\"; match = \"m\"; }\n);\n@include \"inner.cfg\"\n");
    cr_expect_not(loads_on_a_small_stack());
    write_repeated("version = 1; ca_path = \"missing\"; programs = ( { name = \"n\"; match = [ ", "\"a/b\", ",
                   1000,
                   "\"m\" ]; pinned_public_keys = ( { domain = \"a\"; expires = \"2020-01-01\"; keys = "
                   "\"missing.pem\"; ca_file = \"missing\"; } ); } );");
    cr_expect(loads_on_a_small_stack());
}

Test(hostile, includes)
{
    char path[128], text[512];
    directory_text(&directory, "policy.cfg", "@include \"policy.cfg\"");
    expect_refused("includes itself");
    directory_text(&directory, "policy.cfg", "@include \"b.cfg\"");
    directory_text(&directory, "b.cfg", "@include \"./policy.cfg\"");
    expect_refused("includes itself");
    snprintf(text, sizeof text, "@include \"%s\"", directory.path);
    directory_text(&directory, "policy.cfg", text);
    expect_refused("not a regular file");
    snprintf(path, sizeof path, "%s/fifo", directory.path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    directory_text(&directory, "policy.cfg", "@include \"fifo\"");
    expect_refused("not a regular file");
    directory_text(&directory, "policy.cfg", "@include \"/dev/zero\"");
    expect_refused("not a regular file");
    directory_text(&directory, "empty.cfg", "");
    write_repeated("", "@include \"empty.cfg\"\n", 1001, "");
    expect_refused("1000 in all");
    directory_text(&directory, "empty.cfg", "organisation = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\";");
    directory_text(&directory, "policy.cfg", "@include \"never closed");
    expect_refused("bad name");
    directory_text(&directory, "policy.cfg", "@include \"a\nb\"");
    expect_refused("bad name");
    directory_text(&directory, "policy.cfg", "@include");
    expect_refused("@include");
}

Test(hostile, the_policy_itself_is_no_file)
{
    char path[128];
    snprintf(path, sizeof path, "%s/fifo", directory.path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_null(load_file(path, &findings));
    cr_expect_not_null(strstr(findings.text, "not a regular file"), "%s", findings.text);
    cr_expect_null(load_file(directory.path, &findings));
    cr_expect_not_null(strstr(findings.text, "not a regular file"), "%s", findings.text);
    cr_expect_null(load_file("/dev/zero", &findings));
    cr_expect_null(load_file("/dev/stdin", &findings));
    cr_expect_not_null(strstr(findings.text, "another file in each process"), "%s", findings.text);
    cr_expect_null(load_file("/proc/self/fd/0", &findings));
    cr_expect_not_null(strstr(findings.text, "another file in each process"), "%s", findings.text);
}

/* Every setting there is, so that every table is walked. */
static const char whole[] =
    "version = 1; mode = \"enforce\"; organisation = \"o\"; unmatched = \"allow\"; # a comment\n"
    "unnamed = \"refuse\"; ca_file = \"ca.pem\"; ca_path = \".\";\n"
    "store: { type = \"redis\"; address = \"[::1]:1\"; username = \"u\"; password_file = \"p\"; database = "
    "1;\n"
    "  timeout_ms = 0x1F4; cache_seconds = 1; stale_seconds = 1; prefetch = true; };\n"
    "@include \"inner.cfg\"\n"
    "security: { private_certificate_encoding_secret = \"\\x41\\\"\\\\\";\n"
    "  pinned_public_keys = ( { domain = [ \"a\", \"*.b:1\" ]; keys = \"x.pem,sha256//AAAA\"; }, { domain = "
    "\"*\"; target = \"chain\"; verify = \"require\"; min_version = \"1.2\"; expires = \"2028-02-29\";\n"
    "  after_expiry = \"refuse\"; ca_file = \"ca.pem\"; mode = \"report\"; } );\n"
    "  upstream_certificates = ( { domain = \"a\"; certificate = [ \"x\" ]; required = false; } ); }\n"
    "/* comment */ programs = ( { name = \"n\"; match = [ \"/m/*\", \"m\" ]; certificate_pinning_disabled = "
    "true; pinned_public_keys = ( { domain = \"a\"; "
    "keys = \"x\"; } ); } );\n"
    "events: { file = \"e\"; stderr = True; f = 1.5e3; i = -12L; }";

Test(hostile, cut_off_at_any_byte)
{
    char path[128];
    directory_text(&directory, "inner.cfg", "events: { stderr = true; };\n");
    snprintf(path, sizeof path, "%s/policy.cfg", directory.path);
    for (size_t length = 0; length <= strlen(whole); length++) {
        directory_write(&directory, "policy.cfg", whole, length);
        struct policy *policy = load_file(path, &findings);
        cr_expect_eq(policy == NULL, findings.errors > 0, "%zu", length);
        policy_free(policy);
    }
}

Test(hostile, every_byte_replaced)
{
    static const unsigned char bytes[] = {0, '"', '\\', '{', ')', '@', '#', '\n', 0xff, '9'};
    char path[128], text[sizeof whole];
    directory_text(&directory, "inner.cfg", "events: { stderr = true; };\n");
    snprintf(path, sizeof path, "%s/policy.cfg", directory.path);
    for (size_t at = 0; at < strlen(whole); at++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            memcpy(text, whole, sizeof whole);
            text[at] = (char)bytes[i];
            directory_write(&directory, "policy.cfg", text, strlen(whole));
            struct policy *policy = load_file(path, &findings);
            cr_expect_eq(policy == NULL, findings.errors > 0);
            policy_free(policy);
        }
    }
}

Test(hostile, random_bytes)
{
    static const char pieces[][16] = {"version = 1;",
                                      "@include \"",
                                      "\"",
                                      "{",
                                      "}",
                                      "(",
                                      ")",
                                      "[",
                                      "]",
                                      "=",
                                      ":",
                                      ";",
                                      "keys",
                                      "sha256//",
                                      ",",
                                      "\\",
                                      "/*",
                                      "*/",
                                      "//",
                                      "#",
                                      "\n",
                                      "1e9",
                                      "0x",
                                      "true",
                                      "domain = \"",
                                      "-"};
    char path[128], text[2048];
    snprintf(path, sizeof path, "%s/policy.cfg", directory.path);
    srand(7);
    for (int round = 0; round < 4000; round++) {
        size_t length = 0;
        for (int i = rand() % 60; i > 0; i--) {
            const char *piece = pieces[(size_t)rand() % (sizeof pieces / sizeof *pieces)];
            if (rand() % 8 == 0)
                text[length++] = (char)rand();
            memcpy(text + length, piece, strlen(piece));
            length += strlen(piece);
        }
        directory_write(&directory, "policy.cfg", text, length);
        struct policy *policy = load_file(path, &findings);
        cr_expect_eq(policy == NULL, findings.errors > 0);
        policy_free(policy);
    }
}
