#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/index.h"

/* A rule is the pattern that leads to it. */
static void add(struct rule_index *index, struct arena *arena, const char *pattern)
{
    struct domain domain;
    char why[256];
    void *existing;
    cr_assert(domain_parse(pattern, &domain, why, sizeof why), "%s", why);
    char *rule = arena_text(arena, pattern, strlen(pattern));
    cr_assert_eq(rule_index_add(index, arena, &domain, rule, &existing), RULE_INDEX_ADDED, "%s", pattern);
}

static bool append(void *rule, void *line)
{
    strcat(strcat(line, rule), " ");
    return false;
}

/* The rules found, in a line. */
static const char *ask(const struct rule_index *index, const char *name, unsigned port)
{
    static char line[256];
    struct rule_match match;
    struct domain peer = {.kind = DOMAIN_ALL};
    if (name != NULL)
        cr_assert(domain_from_peer(name, &peer));
    rule_index_find(index, &peer, (uint16_t)port, false, &match);
    line[0] = '\0';
    rule_match_each(&match, append, line);
    if (match.any_port)
        strcat(line, "?");
    return line;
}

Test(index, the_most_specific_rule_applies)
{
    /* In the order of precedence: each is removed in turn, and the next one must apply. */
    static const char *const order[] = {
        "a.b.example.com:443",
        "a.b.example.com",
        "*.b.example.com:443",
        "*.b.example.com",
        "**.b.example.com:443",
        "**.b.example.com",
        "**.example.com:443",
        "**.example.com",
        "**.com:443",
        "**.com",
        "*:443",
        "*",
    };
    const size_t count = sizeof order / sizeof *order;
    for (size_t from = 0; from < count; from++) {
        struct arena arena;
        struct rule_index index = {0};
        arena_init(&arena, 1 << 20);
        for (size_t i = count; i > from; i--)
            add(&index, &arena, order[i - 1]);
        char expected[64];
        snprintf(expected, sizeof expected, "%s ", order[from]);
        cr_expect_str_eq(ask(&index, "A.B.Example.com.", 443), expected);
        arena_free(&arena);
    }
}

Test(index, wildcards_match_as_many_labels_as_they_say)
{
    struct arena arena;
    struct rule_index index = {0};
    arena_init(&arena, 1 << 20);
    add(&index, &arena, "*.one.example");
    add(&index, &arena, "**.many.example");
    add(&index, &arena, "10.0.0.5");
    cr_expect_str_eq(ask(&index, "a.one.example", 1), "*.one.example ");
    cr_expect_str_eq(ask(&index, "one.example", 1), "");
    cr_expect_str_eq(ask(&index, "a.b.one.example", 1), "");
    cr_expect_str_eq(ask(&index, "xone.example", 1), "");
    cr_expect_str_eq(ask(&index, "a.many.example", 1), "**.many.example ");
    cr_expect_str_eq(ask(&index, "a.b.c.many.example", 1), "**.many.example ");
    cr_expect_str_eq(ask(&index, "many.example", 1), "");
    cr_expect_str_eq(ask(&index, "10.0.0.5", 1), "10.0.0.5 ");
    cr_expect_str_eq(ask(&index, "::ffff:10.0.0.5", 1), "10.0.0.5 ");
    cr_expect_str_eq(ask(&index, "10.0.0.7", 1), "");
    cr_expect_str_eq(ask(&index, NULL, 1), "");
    arena_free(&arena);
}

Test(index, star_matches_addresses_and_unnamed_peers)
{
    struct arena arena;
    struct rule_index index = {0};
    arena_init(&arena, 1 << 20);
    add(&index, &arena, "*");
    add(&index, &arena, "*:443");
    cr_expect_str_eq(ask(&index, "10.0.0.5", 443), "*:443 ");
    cr_expect_str_eq(ask(&index, "10.0.0.5", 80), "* ");
    cr_expect_str_eq(ask(&index, NULL, 443), "*:443 ");
    cr_expect_str_eq(ask(&index, NULL, 0), "* ");
    arena_free(&arena);
}

Test(index, an_unknown_port)
{
    struct arena arena;
    struct rule_index index = {0};
    arena_init(&arena, 1 << 20);
    add(&index, &arena, "bank.example:8443");
    add(&index, &arena, "bank.example:443");
    add(&index, &arena, "*.example:9");
    cr_expect_str_eq(ask(&index, "bank.example", 443), "bank.example:443 ");
    cr_expect_str_eq(ask(&index, "bank.example", 444), "bank.example:443 bank.example:8443 *.example:9 ?",
                     "a proxy's port, perhaps");
    cr_expect_str_eq(ask(&index, "bank.example", 0), "bank.example:443 bank.example:8443 *.example:9 ?");
    add(&index, &arena, "*");
    cr_expect_str_eq(ask(&index, "bank.example", 0), "* ");
    arena_free(&arena);
}

static bool append_pattern(void *rule, const struct domain *pattern, void *line)
{
    char text[DOMAIN_TEXT_SIZE];
    domain_format(pattern, text);
    cr_expect_str_eq(text, rule);
    strcat(strcat(line, text), " ");
    return false;
}

static bool stop(void *rule, const struct domain *pattern, void *line)
{
    append_pattern(rule, pattern, line);
    return true;
}

Test(index, every_pattern_that_matches)
{
    static const char *const patterns[] = {"*:443",       "*",    "**.example:443", "**.example",
                                           "*.b.example", "*:80", "a.b.example",    "a.b.example:80",
                                           "10.0.0.5:80"};
    struct arena arena;
    struct rule_index index = {0};
    struct domain peer;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        add(&index, &arena, patterns[i]);
    cr_assert(domain_from_peer("a.b.example", &peer));
    char line[256] = "";
    rule_index_each(&index, &peer, 443, append_pattern, line);
    cr_expect_str_eq(line, "a.b.example *.b.example **.example:443 **.example *:443 * ");
    line[0] = '\0';
    rule_index_each(&index, &peer, 0, append_pattern, line);
    cr_expect_str_eq(line, "a.b.example *.b.example **.example * ");
    line[0] = '\0';
    rule_index_each(&index, &peer, 80, stop, line);
    cr_expect_str_eq(line, "a.b.example:80 ");
    line[0] = '\0';
    rule_index_each_port(&index, &peer, append_pattern, line);
    cr_expect_str_eq(line, "a.b.example:80 **.example:443 *:80 *:443 ");
    line[0] = '\0';
    rule_index_each_port(&index, &peer, stop, line);
    cr_expect_str_eq(line, "a.b.example:80 ");
    line[0] = '\0';
    rule_index_each(&(struct rule_index){0}, &peer, 80, append_pattern, line);
    cr_expect_str_eq(line, "");
    arena_free(&arena);
}

Test(index, whether_a_pattern_has_a_port)
{
    static const char *const with[] = {"a.b:1", "10.0.0.5:1", "*.a.b:1", "**.a.b:1", "*:1"};
    static const char *const without[] = {"a.b", "10.0.0.5", "*.a.b", "**.a.b", "*"};
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        struct rule_index index = {0};
        struct arena arena;
        arena_init(&arena, 1 << 20);
        cr_expect_not(rule_index_has_port(&index));
        for (size_t k = 0; k < sizeof without / sizeof *without; k++)
            add(&index, &arena, without[k]);
        cr_expect_not(rule_index_has_port(&index));
        add(&index, &arena, with[i]);
        cr_expect(rule_index_has_port(&index), "%s", with[i]);
        arena_free(&arena);
    }
}

Test(index, the_kinds_of_its_patterns_are_known)
{
    static const struct {
        const char *pattern;
        enum domain_kind kind;
    } cases[] = {{"a.example", DOMAIN_NAME},
                 {"a.example:443", DOMAIN_NAME},
                 {"10.0.0.1", DOMAIN_ADDRESS},
                 {"10.0.0.1:1", DOMAIN_ADDRESS},
                 {"*.example", DOMAIN_ONE},
                 {"**.example:2", DOMAIN_MANY},
                 {"*", DOMAIN_ALL},
                 {"*:8443", DOMAIN_ALL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rule_index index = {0};
        struct arena arena;
        arena_init(&arena, 1 << 20);
        add(&index, &arena, cases[i].pattern);
        for (enum domain_kind kind = DOMAIN_NAME; kind <= DOMAIN_ALL; kind++)
            cr_expect_eq(rule_index_has_kind(&index, kind), kind == cases[i].kind, "%s", cases[i].pattern);
        arena_free(&arena);
    }
}

Test(index, a_second_rule_for_one_domain_is_found_out)
{
    struct arena arena;
    struct rule_index index = {0};
    struct domain domain;
    char why[256];
    void *existing = NULL;
    int other;
    arena_init(&arena, 1 << 20);
    add(&index, &arena, "Twice.example.");
    cr_assert(domain_parse("twice.EXAMPLE", &domain, why, sizeof why));
    cr_expect_eq(rule_index_add(&index, &arena, &domain, &other, &existing), RULE_INDEX_EXISTS);
    cr_expect_str_eq(existing, "Twice.example.");
    arena_free(&arena);
}

/* The rule of a pattern of a large index is its own text; of every length, with ports and without. */
static void large_pattern(unsigned number, char *pattern, char *name)
{
    unsigned length = number % 200;
    unsigned port = number % 3 == 0 ? 443 : number % 7 == 0 ? 8443 : 0;
    name += sprintf(name, "%s", number % 2 == 0 ? "www." : "");
    char *to = pattern + sprintf(pattern, "%s", number % 2 == 0 ? "*." : "");
    char *rest = to;
    to += sprintf(to, "h%u", number);
    for (unsigned i = 0; i < length; i++)
        *to++ = i % 50 == 0 ? '.' : 'x';
    stpcpy(to, length % 50 == 1 ? "e.example" : ".example");
    stpcpy(name, rest);
    if (port != 0)
        sprintf(rest + strlen(rest), ":%u", port);
}

Test(index, a_large_one_finds_every_pattern)
{
    enum { PATTERNS = 20000 };
    struct arena arena;
    struct rule_index index = {0};
    char pattern[300], name[300], expected[310];
    arena_init(&arena, 64 << 20);
    for (unsigned i = 0; i < PATTERNS; i++) {
        large_pattern(i, pattern, name);
        const char *kept = arena_text(&arena, pattern, strlen(pattern));
        cr_assert_not_null(kept);
        add(&index, &arena, kept);
    }
    cr_assert_gt(index.block_count, 10);
    for (unsigned i = 0; i < PATTERNS; i++) {
        large_pattern(i, pattern, name);
        bool other_port = strchr(pattern, ':') != NULL && strstr(pattern, ":443") == NULL;
        sprintf(expected, "%s %s", pattern, other_port ? "?" : "");
        cr_assert_str_eq(ask(&index, name, 443), expected, "%s", name);
    }
    arena_free(&arena);
}

/* The contract read aloud, by walking a list: what the hash table must agree with. */
static int rank(const char *pattern, const char *name, unsigned port)
{
    struct domain domain, peer;
    char why[64], text[DOMAIN_TEXT_SIZE];
    domain_parse(pattern, &domain, why, sizeof why);
    domain_from_peer(name, &peer);
    if (domain.port != 0 && domain.port != port)
        return 0;
    int with_port = domain.port != 0;
    domain_format(&peer, text);
    size_t length = strlen(text), suffix = domain.length;
    bool ends = length > suffix + 1 && text[length - suffix - 1] == '.' &&
                memcmp(text + length - suffix, domain.text, suffix) == 0;
    switch (domain.kind) {
    case DOMAIN_NAME:
        return strcmp(domain.text, text) == 0 ? 10000 + with_port : 0;
    case DOMAIN_ONE:
        return ends && memchr(text, '.', length - suffix - 1) == NULL ? 9000 + with_port : 0;
    case DOMAIN_MANY:
        return ends ? 10 + 2 * (int)suffix + with_port : 0;
    case DOMAIN_ALL:
        return 1 + with_port;
    default:
        return 0;
    }
}

Test(index, agrees_with_the_contract_for_random_policies)
{
    static const char *const labels[] = {"a", "b", "ab", "example"};
    srand(1);
    for (int round = 0; round < 300; round++) {
        char patterns[40][64];
        size_t count = 0;
        struct arena arena;
        struct rule_index index = {0};
        arena_init(&arena, 1 << 20);
        for (int i = 0; i < 40; i++) {
            static const char *const kinds[] = {"", "*.", "**."};
            char *pattern = patterns[count];
            struct domain domain;
            char why[64];
            void *existing;
            strcpy(pattern, rand() % 20 == 0 ? "*" : kinds[rand() % 3]);
            if (strcmp(pattern, "*") != 0) {
                for (int label = 1 + rand() % 3; label > 0; label--)
                    sprintf(pattern + strlen(pattern), "%s%s", labels[rand() % 4], label > 1 ? "." : "");
            }
            if (rand() % 3 == 0)
                sprintf(pattern + strlen(pattern), ":%d", 1 + rand() % 2);
            cr_assert(domain_parse(pattern, &domain, why, sizeof why), "%s", why);
            count += rule_index_add(&index, &arena, &domain, pattern, &existing) == RULE_INDEX_ADDED;
        }
        for (int i = 0; i < 60; i++) {
            char name[64] = "";
            unsigned port = 1 + (unsigned)rand() % 3;
            for (int label = 1 + rand() % 4; label > 0; label--)
                sprintf(name + strlen(name), "%s%s", labels[rand() % 4], label > 1 ? "." : "");
            const char *best = "";
            int best_rank = 0;
            for (size_t k = 0; k < count; k++) {
                if (rank(patterns[k], name, port) > best_rank) {
                    best_rank = rank(patterns[k], name, port);
                    best = patterns[k];
                }
            }
            /* Where none is left, the rules for other ports may apply; that is another test. */
            const char *found = ask(&index, name, port);
            if (best_rank > 0)
                cr_assert_eq(strncmp(found, best, strlen(best)), 0, "%s:%u %s", name, port, found);
            if (best_rank > 0)
                cr_assert_str_eq(found + strlen(best), " ");
            else
                cr_assert(found[0] == '\0' || strchr(found, '?') != NULL, "%s:%u %s", name, port, found);
        }
        arena_free(&arena);
    }
}
