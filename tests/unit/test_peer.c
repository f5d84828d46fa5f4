/* What a guess beside the address, several names, and a port that is the name's own for sure come to. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/judge.h"
#include "tests/unit/loaded.h"
#include "tests/unit/support.h"

#define A          "0000000000000000000000000000000000000000000000000000000000000001"
#define RULE(name) "{ domain = \"" name "\"; keys = \"" A "\"; }"

static struct peer peer;

TestSuite(peer, .init = fixture_make, .fini = loaded_clean);

/* A peer of up to two names. */
static void meet(enum peer_how how, const char *one, const char *two, unsigned port, bool own)
{
    peer = (struct peer){.name_count = two == NULL ? 1 : 2, .port = (uint16_t)port, .port_is_own = own};
    cr_assert(domain_from_peer(one, &peer.names[0].domain));
    peer.names[0].how = how;
    if (two == NULL)
        return;
    cr_assert(domain_from_peer(two, &peer.names[1].domain));
    peer.names[1].how = how == PEER_HOW_RESOLVER ? PEER_HOW_ADDRESS : PEER_HOW_VERIFY_NAME;
}

/* The names that a rule applies to, in a line; `?` where the rules for all ports count. */
static const char *governed(void)
{
    static char line[512];
    char text[DOMAIN_TEXT_SIZE];
    struct requirement requirements[PEER_NAMES_MAX];
    size_t count = judge_requirements(policy, NULL, &peer, requirements, NULL);
    line[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        domain_format(&requirements[i].name->domain, text);
        size_t used = strlen(line);
        snprintf(line + used, sizeof line - used, "%s%s ", text, requirements[i].match.any_port ? "?" : "");
    }
    return line;
}

Test(peer, rules_for_other_ports_apply_unless_the_port_is_its_own)
{
    load(RULES(RULE("a:443") ", " RULE("10.0.0.1:443")));
    meet(PEER_HOW_SNI, "a", NULL, 443, true);
    cr_expect_str_eq(governed(), "a ");
    meet(PEER_HOW_SNI, "a", NULL, 8443, true);
    cr_expect_str_eq(governed(), "");
    meet(PEER_HOW_SNI, "a", NULL, 8443, false);
    cr_expect_str_eq(governed(), "a? ");
    meet(PEER_HOW_SNI, "a", NULL, 0, false);
    cr_expect_str_eq(governed(), "a? ");
    meet(PEER_HOW_ADDRESS, "10.0.0.1", NULL, 8443, true);
    cr_expect_str_eq(governed(), "");
}

Test(peer, a_port_that_is_not_known_is_nobodys_own)
{
    load(RULES(RULE("a:443")));
    meet(PEER_HOW_SNI, "a", NULL, 0, true);
    cr_expect_str_eq(governed(), "a? ");
}

Test(peer, a_guess_and_the_address_are_both_governed)
{
    load(RULES(RULE("a") ", " RULE("10.0.0.1")));
    meet(PEER_HOW_RESOLVER, "a", "10.0.0.1", 443, true);
    cr_expect_str_eq(governed(), "a 10.0.0.1 ");
    load(RULES(RULE("10.0.0.1")));
    cr_expect_str_eq(governed(), "10.0.0.1 ");
    load(RULES(RULE("a")));
    cr_expect_str_eq(governed(), "a ");
}

Test(peer, a_rule_for_everything_is_the_addresss_and_no_guess_takes_it_away)
{
    load(RULES(RULE("a") ", " RULE("*")));
    meet(PEER_HOW_RESOLVER, "a", "10.0.0.1", 443, true);
    cr_expect_str_eq(governed(), "a 10.0.0.1 ");
    load(RULES(RULE("10.0.0.1") ", " RULE("*")));
    cr_expect_str_eq(governed(), "10.0.0.1 ");
    load(RULES(RULE("b") ", " RULE("*")));
    cr_expect_str_eq(governed(), "10.0.0.1 ");
}

Test(peer, an_exception_for_a_guess_does_not_loosen_the_addresses_rule)
{
    load(RULES("{ domain = \"a\"; mode = \"off\"; }, " RULE("10.0.0.1")));
    meet(PEER_HOW_RESOLVER, "a", "10.0.0.1", 443, true);
    cr_expect_str_eq(governed(), "10.0.0.1 ");
}

Test(peer, every_name_that_is_verified_is_governed)
{
    load(RULES(RULE("a") ", " RULE("b")));
    meet(PEER_HOW_SNI, "a", "b", 443, true);
    cr_expect_str_eq(governed(), "a b ");
    load(RULES(RULE("b") ", " RULE("*")));
    cr_expect_str_eq(governed(), "a b ");
}

Test(peer, a_name_that_is_an_address_is_the_addresss)
{
    load(RULES(RULE("[::1]") ", " RULE("127.0.0.1")));
    meet(PEER_HOW_SNI, "[::1]", NULL, 443, true);
    cr_expect_str_eq(governed(), "::1 ");
    meet(PEER_HOW_SNI, "::FFFF:127.0.0.1", NULL, 443, true);
    cr_expect_str_eq(governed(), "127.0.0.1 ");
}

Test(peer, how_a_name_was_found_has_a_word)
{
    cr_expect_str_eq(peer_how_name(PEER_HOW_NONE), "none");
    cr_expect_str_eq(peer_how_name(PEER_HOW_ADDRESS), "address");
    cr_expect_str_eq(peer_how_name(PEER_HOW_RESOLVER), "resolver");
    cr_expect_str_eq(peer_how_name(PEER_HOW_BIO), "bio");
    cr_expect_str_eq(peer_how_name(PEER_HOW_VERIFY_NAME), "verify-name");
    cr_expect_str_eq(peer_how_name(PEER_HOW_SNI), "sni");
}
