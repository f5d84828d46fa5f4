/* Which rule for client certificates the names of a peer lead to. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/upstream.h"

static struct policy policy;
static struct section section;
static struct peer peer;
static struct upstream_found found;
static struct upstream_rule rules[8];

static void begin(void)
{
    arena_init(&policy.arena, 1 << 20);
    policy.mode = MODE_ENFORCE;
    peer = (struct peer){.port = 443, .port_is_own = true};
}

static void end(void)
{
    arena_free(&policy.arena);
}

TestSuite(upstream_find, .init = begin, .fini = end);

/* Makes a pattern lead to rules[number]. */
static void add(struct rule_index *index, const char *pattern, size_t number)
{
    struct domain domain;
    char why[256] = "";
    void *existing;
    cr_assert(domain_parse(pattern, &domain, why, sizeof why), "%s", why);
    cr_assert_eq(rule_index_add(index, &policy.arena, &domain, &rules[number], &existing), RULE_INDEX_ADDED);
}

static void add_name(const char *name, enum peer_how how)
{
    cr_assert(domain_from_peer(name, &peer.names[peer.name_count].domain));
    peer.names[peer.name_count++].how = how;
}

static void expect(enum upstream_answer answer, int number)
{
    cr_expect_eq(upstream_find(&policy, &section, &peer, &found), answer);
    cr_expect_eq(found.rule, number < 0 ? NULL : &rules[number], "not rule %d but %td", number,
                 found.rule == NULL ? -1 : found.rule - rules);
    cr_expect_eq(found.name != NULL, found.rule != NULL);
}

/* The rule for one name that is known; -1: none. */
static void expect_of_name(const char *name, int number)
{
    peer.name_count = 0;
    add_name(name, PEER_HOW_SNI);
    expect(number < 0 ? UPSTREAM_NONE : UPSTREAM_RULE, number);
    if (number >= 0)
        cr_expect_eq(found.name, &peer.names[0]);
}

Test(upstream_find, the_most_specific_pattern)
{
    static const char *const patterns[] = {"a.x",    "a.x:443", "*.x",  "*.x:8443",
                                           "**.y.z", "**.z",    "*:99", "*"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        add(&policy.upstream, patterns[i], i);
    expect_of_name("a.x", 1);
    expect_of_name("A.X.", 1);
    expect_of_name("b.x", 2);
    expect_of_name("b.y.z", 4);
    expect_of_name("y.z", 5);
    expect_of_name("else", 7);
    peer.port = 8443;
    expect_of_name("a.x", 0);
    expect_of_name("b.x", 3);
    peer.port = 99;
    expect_of_name("else", 6);
}

Test(upstream_find, a_rule_with_a_port_counts_only_for_the_names_own_port)
{
    add(&policy.upstream, "a:443", 0);
    add(&policy.upstream, "b:443", 1);
    add(&policy.upstream, "b", 2);
    add(&policy.upstream, "c:443", 3);
    add(&policy.upstream, "*.c:443", 3);
    expect_of_name("a", 0);
    expect_of_name("b", 1);
    peer.port = 444;
    expect_of_name("a", -1);
    expect_of_name("b", 2);
    peer.port = 443;
    peer.port_is_own = false;
    expect_of_name("a", -1);
    expect_of_name("b", 2);
    peer.port = 0;
    expect_of_name("a", -1);
    expect_of_name("b", 2);
    peer.port_is_own = true;
    expect_of_name("a", -1);
    expect_of_name("c", -1);
    expect_of_name("x.c", -1);
}

Test(upstream_find, where_the_port_is_not_known_a_wider_pattern_without_one_applies)
{
    add(&policy.upstream, "a.b:443", 0);
    add(&policy.upstream, "*.b", 1);
    peer.port_is_own = false;
    expect_of_name("a.b", 1);
}

Test(upstream_find, the_section_comes_first)
{
    add(&policy.upstream, "a", 0);
    add(&policy.upstream, "b", 1);
    add(&section.upstream, "*", 2);
    add(&section.upstream, "b:443", 3);
    expect_of_name("a", 2);
    expect_of_name("b", 3);
    peer.port_is_own = false;
    expect_of_name("b", 2);
    cr_expect_eq(upstream_find(&policy, NULL, &peer, &found), UPSTREAM_RULE);
    cr_expect_eq(found.rule, &rules[1]);
}

Test(upstream_find, a_sections_rule_for_a_port_that_is_not_known_hides_nothing)
{
    add(&policy.upstream, "a", 0);
    add(&section.upstream, "a:443", 1);
    peer.port_is_own = false;
    expect_of_name("a", 0);
}

Test(upstream_find, modes)
{
    add(&policy.upstream, "off", 0);
    add(&policy.upstream, "report", 1);
    add(&policy.upstream, "enforce", 2);
    add(&policy.upstream, "*", 3);
    rules[0].mode = MODE_OFF;
    rules[1].mode = MODE_REPORT;
    rules[2].mode = MODE_ENFORCE;
    expect_of_name("off", -1);
    expect_of_name("else", 3);
    peer.name_count = 0;
    add_name("report", PEER_HOW_SNI);
    expect(UPSTREAM_NONE, 1);
    policy.mode = MODE_OFF;
    expect_of_name("else", -1);
    expect_of_name("enforce", 2);
    policy.mode = MODE_REPORT;
    peer.name_count = 0;
    add_name("else", PEER_HOW_SNI);
    expect(UPSTREAM_NONE, 3);
}

Test(upstream_find, names_that_differ)
{
    add(&policy.upstream, "a", 0);
    add(&policy.upstream, "b", 1);
    add(&policy.upstream, "also-a", 0);
    add(&policy.upstream, "off", 2);
    add(&policy.upstream, "report", 3);
    rules[2].mode = MODE_OFF;
    rules[3].mode = MODE_REPORT;
    static const struct {
        const char *one, *other;
        enum upstream_answer answer;
        int rule;
    } cases[] = {
        {"a", "b", UPSTREAM_SEVERAL, 0},      {"a", "also-a", UPSTREAM_RULE, 0},
        {"none", "b", UPSTREAM_RULE, 1},      {"b", "none", UPSTREAM_RULE, 1},
        {"none", "nor", UPSTREAM_NONE, -1},   {"off", "b", UPSTREAM_SEVERAL, 1},
        {"b", "report", UPSTREAM_SEVERAL, 1}, {"off", "report", UPSTREAM_NONE, -1},
        {"off", "none", UPSTREAM_NONE, -1},   {"none", "report", UPSTREAM_NONE, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        peer.name_count = 0;
        add_name(cases[i].one, PEER_HOW_SNI);
        add_name(cases[i].other, PEER_HOW_VERIFY_NAME);
        expect(cases[i].answer, cases[i].rule);
    }
}

Test(upstream_find, a_name_that_was_left_out_may_have_a_rule_of_its_own)
{
    add(&policy.upstream, "a", 0);
    peer.names_left_out = true;
    add_name("a", PEER_HOW_SNI);
    expect(UPSTREAM_SEVERAL, 0);
    expect_of_name("b", -1);
    rules[0].mode = MODE_REPORT;
    expect_of_name("a", -1);
}

static void set_guess(bool is_only)
{
    peer.name_count = 0;
    peer.guess_is_only = is_only;
    add_name("guess", PEER_HOW_RESOLVER);
    add_name("192.0.2.1", PEER_HOW_ADDRESS);
}

Test(upstream_find, a_guess_that_is_the_only_name_of_its_address)
{
    set_guess(true);
    expect(UPSTREAM_NONE, -1);
    add(&policy.upstream, "*", 0);
    expect(UPSTREAM_RULE, 0);
    cr_expect_eq(found.name, &peer.names[0]);
    add(&policy.upstream, "192.0.2.1", 1);
    expect(UPSTREAM_RULE, 1);
    cr_expect_eq(found.name, &peer.names[1]);
    add(&policy.upstream, "guess", 2);
    expect(UPSTREAM_RULE, 2);
    rules[2].mode = MODE_OFF;
    expect(UPSTREAM_NONE, -1);
}

Test(upstream_find, a_guess_that_is_not)
{
    set_guess(false);
    expect(UPSTREAM_NONE, -1);
    add(&policy.upstream, "*", 0);
    expect(UPSTREAM_GUESSED, 0);
    add(&policy.upstream, "guess", 1);
    expect(UPSTREAM_GUESSED, 1);
    rules[1].mode = MODE_OFF;
    expect(UPSTREAM_GUESSED, 0);
    rules[1].mode = MODE_REPORT;
    expect(UPSTREAM_GUESSED, 0);
    rules[0].mode = MODE_OFF;
    expect(UPSTREAM_NONE, 1);
    add(&policy.upstream, "192.0.2.1", 2);
    expect(UPSTREAM_RULE, 2);
    cr_expect_eq(found.name, &peer.names[1]);
    rules[2].mode = MODE_OFF;
    rules[1].mode = MODE_ENFORCE;
    expect(UPSTREAM_NONE, -1);
}

Test(upstream_find, an_address_alone_and_a_peer_without_a_name)
{
    add(&policy.upstream, "*", 0);
    add_name("192.0.2.1", PEER_HOW_ADDRESS);
    expect(UPSTREAM_RULE, 0);
    peer.names[0] = (struct peer_name){.domain = {.kind = DOMAIN_ALL}, .how = PEER_HOW_NONE};
    expect(UPSTREAM_RULE, 0);
}

Test(upstream_find, a_port_that_is_only_concluded)
{
    add(&policy.upstream, "a:443", 0);
    add(&policy.upstream, "b", 1);
    add(&policy.upstream, "b:443", 2);
    peer.is_concluded = true;
    expect_of_name("a", -1);
    expect_of_name("b", 1);
    peer.is_concluded = false;
    expect_of_name("a", 0);
    expect_of_name("b", 2);
    peer.may_be_proxy = true;
    expect_of_name("b", 2);
}

static void expect_without_sure_address(void)
{
    set_guess(true);
    expect(UPSTREAM_GUESSED, 2);
    peer.names[0] = peer.names[1];
    peer.name_count = 1;
    expect(UPSTREAM_GUESSED, 1);
    peer.names[0] = (struct peer_name){.domain = {.kind = DOMAIN_ALL}, .how = PEER_HOW_NONE};
    expect(UPSTREAM_RULE, 0);
    peer.name_count = 0;
    add_name("192.0.2.2", PEER_HOW_ADDRESS);
    expect(UPSTREAM_RULE, 0);
    peer.name_count = 0;
    add_name("192.0.2.1", PEER_HOW_VERIFY_NAME);
    expect(UPSTREAM_RULE, 1);
    rules[1].mode = MODE_REPORT;
    peer.names[0].how = PEER_HOW_ADDRESS;
    expect(UPSTREAM_NONE, 1);
    rules[1].mode = MODE_ENFORCE;
}

Test(upstream_find, a_host_that_a_connect_bio_was_told)
{
    add(&policy.upstream, "*", 0);
    add(&policy.upstream, "told", 1);
    peer.name_count = 0;
    add_name("told", PEER_HOW_BIO);
    expect(UPSTREAM_RULE, 1);
    peer.is_concluded = true;
    expect(UPSTREAM_RULE, 1);
    peer.may_be_proxy = true;
    expect(UPSTREAM_GUESSED, 1);
    peer.name_count = 0;
    add_name("other", PEER_HOW_BIO);
    expect(UPSTREAM_RULE, 0);
}

Test(upstream_find, an_address_that_is_not_sure)
{
    add(&policy.upstream, "*", 0);
    add(&policy.upstream, "192.0.2.1", 1);
    add(&policy.upstream, "guess", 2);
    rules[1].mode = MODE_ENFORCE;
    peer.may_be_proxy = true;
    expect_without_sure_address();
    peer.may_be_proxy = false;
    peer.is_concluded = true;
    expect_without_sure_address();
}

static bool counts(const char *address, enum peer_how how)
{
    peer.name_count = 0;
    add_name(address, how);
    return upstream_has_rule_for_unnamed(&policy, &section, &peer);
}

Test(upstream_find, a_rule_for_a_peer_without_a_name)
{
    add(&section.upstream, "192.0.2.1", 0);
    add(&policy.upstream, "192.0.2.2:443", 1);
    add(&policy.upstream, "guess", 2);
    cr_expect(counts("192.0.2.1", PEER_HOW_ADDRESS));
    cr_expect(counts("192.0.2.2", PEER_HOW_ADDRESS));
    cr_expect_not(counts("192.0.2.3", PEER_HOW_ADDRESS));
    cr_expect_not(counts("guess", PEER_HOW_RESOLVER));
    rules[0].mode = MODE_REPORT;
    cr_expect(counts("192.0.2.1", PEER_HOW_ADDRESS));
    rules[0].mode = MODE_OFF;
    cr_expect_not(counts("192.0.2.1", PEER_HOW_ADDRESS));
    rules[0].mode = MODE_ENFORCE;
    peer.may_be_proxy = true;
    cr_expect_not(counts("192.0.2.1", PEER_HOW_ADDRESS));
    peer.may_be_proxy = false;
    peer.port_is_own = false;
    cr_expect_not(counts("192.0.2.2", PEER_HOW_ADDRESS));
    add(&policy.upstream, "*", 3);
    peer.may_be_proxy = true;
    cr_expect(counts("192.0.2.3", PEER_HOW_ADDRESS));
}
