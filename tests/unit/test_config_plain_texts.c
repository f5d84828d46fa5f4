/*
 * Random lists of rules, each read twice: as a long list, whose texts go past libconfig's scanner where they
 * are plain (config/plain_texts.h), and as one of a rule less, which libconfig reads alone. Both must mean
 * the same, and the same must be told of them.
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "policy/index.h"
#include "tests/unit/support.h"

#define LISTS  250
#define GROUPS 254 /* and one or two more: from 256 on a list is a long one */
#define ROOM   (1 << 19)

TestSuite(plain_texts, .init = fixture_make, .fini = fixture_clean);

static uint32_t state;

/* 0 to `below` - 1, the same in each run (a linear congruential generator). */
static unsigned any(unsigned below)
{
    state = state * 1664525U + 1013904223U;
    return (unsigned)(((uint64_t)state * below) >> 32);
}

static bool one_in(unsigned count)
{
    return any(count) == 0;
}

static char text[ROOM];
static char *end;

static void put(const char *part)
{
    end = stpcpy(end, part);
}

/* What may stand between two words. Comments are rare, so that most pieces of a list have none. */
static void gap(void)
{
    static const char *const blanks[] = {"", "", "", " ", " ", "\t", "\n", " \n  ", "\r\n", "\f", "\n\n\t"};
    static const char *const comments[] = {"# said \"so\n",    "// \"\n",  "/* \" { */",       "/**/", "//\n",
                                           "/* a\n\n\"b\" */", "# }, {\n", "# \"x\" = \"y\"\n"};
    put(blanks[any(sizeof blanks / sizeof *blanks)]);
    if (one_in(2000))
        put(comments[any(sizeof comments / sizeof *comments)]);
}

static void word(const char *part)
{
    put(part);
    gap();
}

/* A text, now and then in two parts or with its first character as an escape. */
static void quoted(const char *value)
{
    put("\"");
    if (one_in(2000))
        put("\" \n \"");
    if (value[0] != '\0' && one_in(2000))
        end += sprintf(end, "\\x%02x", (unsigned char)*value++);
    put(value);
    put("\"");
    gap();
    if (one_in(2000))
        word("\"\"");
}

static const char *a_domain(unsigned group, unsigned which)
{
    static char domain[300];
    static const char *const shapes[] = {
        "h%u-%u.example", "*.h%u-%u.example", "**.h%u-%u.example", "H%u-%u.Example.:443", "[2001:db8::%u:%u]",
    };
    if (one_in(400)) {
        memset(domain, 'a', 250);
        strcpy(domain + 250, ".a");
        for (size_t i = 50; i < 250; i += 50)
            domain[i] = '.';
        snprintf(domain + 1, 10, "%u-%u", group, which);
        domain[strlen(domain)] = 'b';
        return domain;
    }
    snprintf(domain, sizeof domain, shapes[any(sizeof shapes / sizeof *shapes)], group, which);
    return domain;
}

#define KEY_SIZE 64

static const char *a_key(void)
{
    static char key[KEY_SIZE];
    snprintf(key, sizeof key, "sha256//%c%042u=", 'A' + (int)any(26), any(1000) * 10);
    key[50] = "AEIMQUYcgkosw048"[any(16)];
    return key;
}

/* Two keys in one text, on two lines. */
static void two_keys(char two[2 * KEY_SIZE + 4])
{
    char *to = stpcpy(two, a_key());
    to = stpcpy(to, ",\n ");
    stpcpy(to, a_key());
}

/* What is wrong, but no fault of the syntax; then faults of the syntax. */
static const char *const wrong[] = {
    "domain = \"\";",
    "domain = \"x\xff\xfe.example\";",
    "mode = \"of\";",
    "zebra = \"/* # //\";",
    "zebra = ( 1, \"x\", { a = \"y\"; b = [ \"z\", \"\" ]; }, ( ) );",
    "zebra = { };",
    "expires = \"soon\";",
    "keys = \"sha256//\";",
    "keys = [ ];",
    "zebra = 0x1F; lion = 1.5e3; tiger = true;",
    "keys = \"a, b,\n\nc\";",
    "mode = off;",
    "\"a\" : \"b\";",
    "mode = \"off\" \"",
    "zebra = [ \"a\", 1 ];",
    "= \"x\";",
    "mode = \"off\"; mode = \"off\";",
    "zebra = 1 2;",
    "do main = \"x\";",
    "} \"x\" {",
    "zebra = ( \"a\" \"b\", \"c\" ) ( \"d\" );",
    "zebra = [ \"a\", ];",
    "zebra = \"a\", \"b\";",
    "ze\"b\"ra = 1;",
};

static void domains(unsigned group)
{
    unsigned count = one_in(4) ? any(4) + 2 : 1;
    bool array = any(2) == 0;
    word("domain");
    word(any(2) == 0 ? "=" : ":");
    if (count > 1)
        word(array ? "[" : "(");
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            word(",");
        quoted(a_domain(one_in(2000) ? 1 : group, i));
    }
    if (count > 1)
        word(array ? "]" : ")");
}

static void add_group(unsigned group, unsigned faults)
{
    word("{");
    domains(group);
    word(";");
    if (faults > 0 && one_in(GROUPS / faults))
        word(wrong[any(sizeof wrong / sizeof *wrong)]);
    word("keys");
    word("=");
    if (any(3) == 0) {
        quoted(a_key());
    } else if (any(2) == 0) {
        char two[2 * KEY_SIZE + 4];
        two_keys(two);
        quoted(two);
    } else {
        word("(");
        quoted(a_key());
        word(",");
        quoted(a_key());
        word(")");
    }
    word(";");
    if (any(3) == 0) {
        word("min_version = ");
        quoted(any(2) == 0 ? "1.2" : "1.3");
        word(";");
    }
    if (any(5) == 0) {
        word("expires =");
        quoted(any(2) == 0 ? "2031-01-02" : "2044-12-31");
        word(";");
    }
    if (any(5) == 0) {
        word("mode:");
        quoted(any(2) == 0 ? "report" : "off");
        word(any(2) == 0 ? ";" : "");
    }
    word("}");
}

/* The same list for the same number; `longer`: of one rule more, on the last line. */
static struct policy *load(unsigned number, bool longer, struct findings *told)
{
    state = number;
    end = text;
    put("version = 1;\nsecurity: { pinned_public_keys = (\n");
    for (unsigned i = 0; i < GROUPS; i++) {
        add_group(i, number % 4);
        word(",");
    }
    put("\n{ domain = \"last.example\"; mode = \"off\"; }");
    put(longer ? ", { domain = \"more.example\"; mode = \"off\"; }\n); };\n" : "\n); };\n");
    cr_assert_lt(end - text, ROOM);
    return load_text(&directory, text, told);
}

static void expect_same_rule(const struct pin_rule *one, const struct pin_rule *other, unsigned number)
{
    cr_assert_eq(one->source.line, other->source.line, "list %u: lines %u, %u", number, one->source.line,
                 other->source.line);
    cr_assert_eq(one->mode, other->mode);
    cr_assert_eq(one->min_version, other->min_version);
    cr_assert_eq(one->expires, other->expires);
    cr_assert_eq(one->expiry, other->expiry);
    cr_assert_eq(one->key_count, other->key_count);
    for (unsigned i = 0; i < one->key_count; i++) {
        cr_assert_eq(one->keys[i].kind, other->keys[i].kind);
        cr_assert_str_eq(one->keys[i].name, other->keys[i].name);
    }
}

/* To a pattern of the shorter list the same rule leads in the longer one. */
static bool expect_pattern(void *rule, const struct domain *pattern, void *context)
{
    struct policy *longer = context;
    void *existing = NULL;
    cr_assert_eq(rule_index_add(&longer->pins, &longer->arena, pattern, rule, &existing), RULE_INDEX_EXISTS,
                 "%.*s", (int)pattern->length, pattern->text);
    cr_assert_eq(((struct pin_rule *)existing)->source.line, ((struct pin_rule *)rule)->source.line);
    return false;
}

Test(plain_texts, a_long_list_means_what_libconfig_makes_of_it)
{
    static struct findings alone;
    unsigned valid = 0;
    for (unsigned number = 0; number < LISTS; number++) {
        memset(&alone, 0, sizeof alone);
        memset(&findings, 0, sizeof findings);
        struct policy *shorter = load(number, false, &alone);
        struct policy *longer = load(number, true, &findings);
        cr_assert_str_eq(findings.text, alone.text, "list %u:\n%s\nalone:\n%s", number, findings.text,
                         alone.text);
        cr_assert_eq(shorter == NULL, longer == NULL, "list %u", number);
        if (shorter != NULL) {
            valid++;
            cr_assert_eq(shorter->pin_rule_count, GROUPS + 1);
            cr_assert_eq(longer->pin_rule_count, GROUPS + 2);
            cr_assert_eq(longer->pins.count - shorter->pins.count, 1);
            for (size_t i = 0; i <= GROUPS; i++)
                expect_same_rule(shorter->pin_rules[i], longer->pin_rules[i], number);
            rule_index_all(&shorter->pins, expect_pattern, longer);
        }
        policy_free(shorter);
        policy_free(longer);
    }
    cr_expect_gt(valid, LISTS / 5, "%u lists were valid", valid);
    cr_expect_lt(valid, LISTS / 2, "%u lists were valid", valid);
}
