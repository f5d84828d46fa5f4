/* What a rule may ask beside its keys: version, expiry, verification, the chain; and sections and guesses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/judge.h"
#include "tests/unit/loaded.h"
#include "tests/unit/support.h"

#define A "0000000000000000000000000000000000000000000000000000000000000001"
#define B "0000000000000000000000000000000000000000000000000000000000000002"
#define C "0000000000000000000000000000000000000000000000000000000000000003"
/* 2027-01-01 */
#define EXPIRY 1798761600

static struct requirement requirements[PEER_NAMES_MAX];
static struct peer peer;
static struct judgement judged;
static bool matched;

TestSuite(judge_evidence, .init = fixture_make, .fini = loaded_clean);

static void set_peer(const char *one, enum peer_how how, const char *two, enum peer_how how_two,
                     unsigned port)
{
    peer = (struct peer){.name_count = two == NULL ? 1 : 2, .port = (uint16_t)port};
    cr_assert(domain_from_peer(one, &peer.names[0].domain));
    peer.names[0].how = how;
    if (two != NULL)
        cr_assert(domain_from_peer(two, &peer.names[1].domain));
    peer.names[1].how = how_two;
}

static size_t ask_in(const struct section *section)
{
    return judge_requirements(policy, section, &peer, requirements, &matched);
}

/* The requirements for one name, sent as SNI. */
static size_t ask(const char *name, unsigned port)
{
    set_peer(name, PEER_HOW_SNI, NULL, PEER_HOW_NONE, port);
    return ask_in(NULL);
}

/* Judges a peer with this key, by the first requirement. */
static enum reason judge_key(const char *hex, struct evidence evidence)
{
    struct pin pin;
    evidence.has_key = hex != NULL;
    if (hex != NULL)
        cr_assert(pin_from_hex(hex, 64, &pin));
    evidence.pin = hex == NULL ? NULL : &pin;
    judge(&requirements[0], &evidence, &judged);
    return judged.reason;
}

#define AT_VERSION(hex, ...) judge_key(hex, (struct evidence){__VA_ARGS__})
#define JUDGE(hex, ...)      AT_VERSION(hex, .version = TLS_1_3, __VA_ARGS__)

/* Answers as the test says, and counts the questions. */
struct witness {
    unsigned chain_asked, require_asked;
    const struct pin_rule *chain_of; /* the rule for which a key of the chain is pinned; NULL: none */
    int error;
    char name[DOMAIN_NAME_MAX + 1];
};

static bool say_chain(void *context, const struct pin_rule *rule)
{
    struct witness *witness = context;
    witness->chain_asked++;
    return rule == witness->chain_of;
}

static int say_require(void *context, const struct pin_rule *rule, const struct domain *name)
{
    struct witness *witness = context;
    witness->require_asked++;
    cr_expect_eq(rule->verify, VERIFY_REQUIRE);
    memcpy(witness->name, name->text, name->length);
    return witness->error;
}

#define PROOF(witness) (&(const struct proof){say_chain, say_require, (witness)})

Test(judge_evidence, a_version_that_is_too_old)
{
    load(RULES(
        "{ domain = \"a\"; min_version = \"1.2\"; }, { domain = \"b\"; min_version = \"1.3\"; keys = \"" A
        "\"; mode = \"report\"; }"));
    cr_assert_eq(ask("a", 1), 1);
    for (int version = TLS_OLDER; version <= TLS_1_3; version++) {
        enum reason reason = AT_VERSION(B, .version = (enum tls_version)version);
        cr_expect_eq(reason, version < TLS_1_2 ? REASON_VERSION : REASON_NONE, "%d", version);
        cr_expect_eq(judged.mode, MODE_ENFORCE);
        cr_expect_eq(judged.rule, policy->pin_rules[0]);
    }
    cr_expect_eq(AT_VERSION(NULL, .version = TLS_1_2), REASON_NONE, "it asks for no key");
    cr_assert_eq(ask("b", 1), 1);
    cr_expect_eq(AT_VERSION(A, .version = TLS_1_2), REASON_VERSION);
    cr_expect_eq(judged.mode, MODE_REPORT);
    cr_expect_eq(AT_VERSION(A, .version = TLS_1_3), REASON_NONE);
    cr_expect_eq(AT_VERSION(B, .version = TLS_1_3), REASON_MISMATCH, "and it asks for its key");
}

Test(judge_evidence, a_rule_without_keys_asks_for_none)
{
    load(RULES("{ domain = \"a\"; min_version = \"1.0\"; }"));
    cr_assert_eq(ask("a", 1), 1);
    cr_expect_eq(AT_VERSION(A, .version = TLS_1_0), REASON_NONE);
    cr_expect_eq(AT_VERSION(NULL, .version = TLS_1_0), REASON_NONE);
    cr_expect_not(judged.loosens);
}

Test(judge_evidence, keys_that_expire_are_then_only_reported)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "\"; expires = \"2027-01-01\"; }"));
    cr_assert_eq(ask("a", 1), 1);
    cr_expect_eq(JUDGE(A, .now = EXPIRY - 1), REASON_NONE);
    cr_expect_eq(JUDGE(B, .now = EXPIRY - 1), REASON_MISMATCH);
    cr_expect_eq(judged.mode, MODE_ENFORCE);
    cr_expect_eq(JUDGE(A, .now = EXPIRY), REASON_NONE);
    cr_expect_eq(JUDGE(B, .now = EXPIRY), REASON_MISMATCH);
    cr_expect_eq(judged.mode, MODE_REPORT, "from 00:00 of the day on");
    cr_expect_eq(JUDGE(NULL, .now = EXPIRY), REASON_NO_CERTIFICATE);
    cr_expect_eq(judged.mode, MODE_REPORT);
}

Test(judge_evidence, after_expiry_even_the_right_key_may_be_refused)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "\"; expires = \"2027-01-01\"; after_expiry = \"refuse\"; }"));
    cr_assert_eq(ask("a", 1), 1);
    cr_expect_eq(JUDGE(A, .now = EXPIRY - 1), REASON_NONE);
    cr_expect_eq(JUDGE(A, .now = EXPIRY), REASON_EXPIRED);
    cr_expect_eq(judged.mode, MODE_ENFORCE);
    cr_expect_eq(JUDGE(B, .now = EXPIRY), REASON_EXPIRED);
    load("mode = \"report\"; " RULES("{ domain = \"a\"; keys = \"" A
                                     "\"; expires = \"2027-01-01\"; after_expiry = \"refuse\"; }"));
    cr_assert_eq(ask("a", 1), 1);
    cr_expect_eq(JUDGE(A, .now = EXPIRY), REASON_EXPIRED);
    cr_expect_eq(judged.mode, MODE_REPORT);
}

Test(judge_evidence, of_several_rules_one_in_force_counts_more_than_an_expired_one)
{
    load(RULES("{ domain = \"a:1\"; keys = \"" A
               "\"; expires = \"2027-01-01\"; after_expiry = \"refuse\"; }, { domain "
               "= \"a:2\"; keys = \"" B "\"; }"));
    cr_assert_eq(ask("a", 0), 1);
    cr_expect_eq(JUDGE(B, .now = EXPIRY), REASON_NONE);
    cr_expect_eq(JUDGE(A, .now = EXPIRY), REASON_MISMATCH);
    cr_expect_eq(judged.mode, MODE_ENFORCE);
    cr_expect_eq(JUDGE(A, .now = EXPIRY - 1), REASON_NONE);
}

Test(judge_evidence, only_the_keys_expire)
{
    load(RULES("{ domain = \"a\"; keys = \"" A
               "\"; expires = \"2027-01-01\"; min_version = \"1.3\"; verify = \"require\"; }"));
    struct witness witness = {.error = 0};
    cr_assert_eq(ask("a", 1), 1);
    cr_expect_eq(AT_VERSION(A, .now = EXPIRY, .proof = PROOF(&witness), .version = TLS_1_2), REASON_VERSION);
    cr_expect_eq(judged.mode, MODE_ENFORCE);
    cr_expect_eq(JUDGE(A, .now = EXPIRY, .proof = PROOF(&witness)), REASON_NONE);
    witness.error = 20;
    cr_expect_eq(JUDGE(B, .now = EXPIRY, .proof = PROOF(&witness)), REASON_VERIFICATION,
                 "what refuses counts more than what is only reported");
    cr_expect_eq(judged.mode, MODE_ENFORCE);
}

Test(judge_evidence, verification_that_is_required)
{
    load(RULES("{ domain = \"a.example\"; verify = \"require\"; }"));
    struct witness witness = {.error = 0};
    cr_assert_eq(ask("a.example", 1), 1);
    cr_expect_eq(JUDGE(A, .proof = PROOF(&witness)), REASON_NONE);
    cr_expect_eq(witness.require_asked, 1);
    cr_expect_str_eq(witness.name, "a.example");
    witness.error = 62;
    cr_expect_eq(JUDGE(A, .proof = PROOF(&witness)), REASON_VERIFICATION);
    cr_expect_eq(judged.error, 62);
    cr_expect_eq(JUDGE(A, .proof = NULL), REASON_VERIFICATION, "what nobody can prove does not hold");
    cr_expect_eq(judged.error, JUDGE_UNVERIFIED);
    cr_expect_eq(JUDGE(NULL, .proof = PROOF(&witness)), REASON_NO_CERTIFICATE);
}

Test(judge_evidence, verification_comes_on_top_of_the_pin)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "\"; verify = \"require\"; }"));
    struct witness witness = {.error = 0};
    cr_assert_eq(ask("a", 1), 1);
    cr_expect_eq(JUDGE(A, .proof = PROOF(&witness)), REASON_NONE);
    cr_expect_eq(JUDGE(B, .proof = PROOF(&witness)), REASON_MISMATCH);
    witness.error = 18;
    cr_expect_eq(JUDGE(A, .proof = PROOF(&witness)), REASON_VERIFICATION);
    cr_expect_eq(JUDGE(B, .proof = PROOF(&witness)), REASON_MISMATCH,
                 "the first failure is the one that is told");
}

Test(judge_evidence, each_name_of_a_peer_is_verified)
{
    load(
        RULES("{ domain = [ \"a\", \"b\" ]; verify = \"require\"; }, { domain = [ \"c\", \"d\" ]; keys = \"" A
              "\"; }"));
    set_peer("a", PEER_HOW_SNI, "b", PEER_HOW_VERIFY_NAME, 1);
    cr_expect_eq(ask_in(NULL), 2);
    set_peer("c", PEER_HOW_SNI, "d", PEER_HOW_VERIFY_NAME, 1);
    cr_expect_eq(ask_in(NULL), 1);
}

Test(judge_evidence, a_key_of_the_chain)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "\"; target = \"chain\"; }, { domain = \"b\"; keys = \"" A
               "\"; }"));
    struct witness witness = {.chain_of = policy->pin_rules[0]};
    cr_assert_eq(ask("a", 1), 1);
    cr_expect_eq(JUDGE(B, .proof = PROOF(&witness)), REASON_NONE);
    cr_expect_eq(witness.chain_asked, 1);
    cr_expect_eq(JUDGE(A, .proof = PROOF(&witness)), REASON_NONE);
    cr_expect_eq(witness.chain_asked, 1, "the leaf will do");
    cr_expect_eq(JUDGE(NULL, .proof = PROOF(&witness)), REASON_NO_CERTIFICATE);
    cr_expect_eq(witness.chain_asked, 1, "without a certificate there is no chain");
    cr_expect_eq(JUDGE(B, .proof = NULL), REASON_MISMATCH);
    witness.chain_of = NULL;
    cr_expect_eq(JUDGE(B, .proof = PROOF(&witness)), REASON_MISMATCH);
    witness.chain_asked = 0;
    cr_assert_eq(ask("b", 1), 1);
    cr_expect_eq(JUDGE(B, .proof = PROOF(&witness)), REASON_MISMATCH);
    cr_expect_eq(witness.chain_asked, 0, "a rule for the leaf does not ask");
}

Test(judge_evidence, a_pin_stands_in_for_verification_only_where_it_may)
{
    static const struct {
        const char *rule; /* for a:1 */
        enum peer_how how;
        unsigned port;
        bool loosens;
    } cases[] = {
        {"verify = \"pin\";", PEER_HOW_SNI, 1, true},
        {"verify = \"pin\";", PEER_HOW_VERIFY_NAME, 1, true},
        {"verify = \"pin\";", PEER_HOW_BIO, 1, true},
        {"verify = \"pin\"; min_version = \"1.3\"; expires = \"2027-01-02\";", PEER_HOW_SNI, 1, true},
        {"verify = \"pin\";", PEER_HOW_RESOLVER, 1, false},
        {"verify = \"pin\";", PEER_HOW_SNI, 0, false},
        {"verify = \"pin\"; mode = \"report\";", PEER_HOW_SNI, 1, false},
        {"verify = \"pin\"; expires = \"2027-01-01\";", PEER_HOW_SNI, 1, false},
        {"verify = \"program\";", PEER_HOW_SNI, 1, false},
        {"verify = \"require\";", PEER_HOW_SNI, 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        struct witness witness = {.error = 0};
        snprintf(text, sizeof text, RULES("{ domain = \"a:1\"; keys = \"" A "\"; %s }"), cases[i].rule);
        load(text);
        set_peer("a", cases[i].how, NULL, PEER_HOW_NONE, cases[i].port);
        cr_assert_eq(ask_in(NULL), 1);
        cr_expect_eq(JUDGE(A, .now = EXPIRY, .proof = PROOF(&witness)), REASON_NONE, "%zu", i);
        cr_expect_eq(judged.loosens, cases[i].loosens, "%zu", i);
        JUDGE(B, .now = EXPIRY, .proof = PROOF(&witness));
        cr_expect_not(judged.loosens, "%zu", i);
    }
}

Test(judge_evidence, a_version_that_is_too_old_loosens_nothing)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "\"; verify = \"pin\"; min_version = \"1.3\"; }"));
    cr_assert_eq(ask("a", 1), 1);
    cr_expect_eq(AT_VERSION(A, .version = TLS_1_2), REASON_VERSION);
    cr_expect_not(judged.loosens);
}

#define SECTION(rules) "programs = ( { name = \"s\"; match = \"s\"; pinned_public_keys = ( " rules " ); } );"

/* Which rule applies to a peer in the section, by its line; 0: none. */
static unsigned line_in_section(const char *name, unsigned port)
{
    set_peer(name, PEER_HOW_SNI, NULL, PEER_HOW_NONE, port);
    if (ask_in(&policy->sections[0]) == 0)
        return 0;
    return ((const struct pin_rule *)requirements[0].match.rule)->source.line;
}

Test(judge_evidence, every_rule_of_the_section_beats_every_global_one)
{
    load("\n" RULES("{ domain = \"a.example\"; keys = \"" A "\"; },\n{ domain = \"b.example:1\"; keys = \"" A
                    "\"; },\n{ domain = \"c.other\"; keys = \"" A
                    "\"; }") "\n" SECTION("{ domain = \"**.example\"; keys = \"" B
                                          "\"; },\n{ domain = \"x.other\"; keys = \"" C "\"; }"));
    cr_expect_eq(line_in_section("a.example", 1), 5);
    cr_expect_eq(line_in_section("b.example", 1), 5);
    cr_expect_eq(line_in_section("x.other", 1), 6);
    cr_expect_eq(line_in_section("c.other", 1), 4, "where the section has none, the global one");
    cr_expect_eq(line_in_section("unknown", 1), 0);
    cr_expect_eq(ask("a.example", 1), 1);
    cr_expect_eq(((const struct pin_rule *)requirements[0].match.rule)->source.line, 2, "and not in others");
}

Test(judge_evidence, an_exception_in_a_section)
{
    load(RULES("{ domain = \"*\"; keys = \"" A "\"; }") SECTION("{ domain = \"a\"; mode = \"off\"; }"));
    cr_expect_eq(line_in_section("a", 1), 0);
    cr_expect(matched, "a rule matches, though it asks for nothing");
    cr_expect_eq(line_in_section("b", 1), 1);
}

Test(judge_evidence, rules_for_other_ports_come_after_all_that_are_certain)
{
    /* The section's for another port; a global one that is certain. */
    load("\n" RULES("{ domain = \"a\"; keys = \"" A "\"; },\n{ domain = \"b:9\"; keys = \"" A
                    "\"; }") "\n" SECTION("{ domain = \"a:7\"; keys = \"" B
                                          "\"; },\n{ domain = \"b:8\"; keys = \"" B "\"; }"));
    cr_expect_eq(line_in_section("a", 7), 4);
    cr_expect_eq(line_in_section("a", 1), 2);
    cr_expect_not(requirements[0].match.any_port);
    cr_expect_eq(line_in_section("a", 0), 2);
    /* Neither is certain: the section's. */
    cr_expect_eq(line_in_section("b", 1), 5);
    cr_expect(requirements[0].match.any_port);
    cr_expect_eq(JUDGE(B, .now = 0), REASON_NONE);
    cr_expect_eq(JUDGE(A, .now = 0), REASON_MISMATCH);
    cr_expect_eq(line_in_section("b", 9), 3, "the global one is certain");
    /* The port is certain: rules for others do not apply. */
    set_peer("b", PEER_HOW_SNI, NULL, PEER_HOW_NONE, 1);
    peer.port_is_own = true;
    cr_expect_eq(ask_in(&policy->sections[0]), 0);
    cr_expect_not(matched);
}

Test(judge_evidence, a_guess_beside_the_address)
{
    load("\n" RULES("{ domain = \"guess\"; keys = \"" A "\"; },\n{ domain = \"10.0.0.5\"; keys = \"" B
                    "\"; },\n{ domain = \"*\"; keys = \"" C "\"; }"));
    /* Both have a rule of their own: both apply. */
    set_peer("guess", PEER_HOW_RESOLVER, "10.0.0.5", PEER_HOW_ADDRESS, 1);
    cr_assert_eq(ask_in(NULL), 2);
    /* The address has; what is for everything is not for the guess. */
    set_peer("unknown", PEER_HOW_RESOLVER, "10.0.0.5", PEER_HOW_ADDRESS, 1);
    cr_assert_eq(ask_in(NULL), 1);
    cr_expect_eq(requirements[0].match.rule, policy->pin_rules[1]);
    set_peer("guess", PEER_HOW_RESOLVER, "10.0.0.6", PEER_HOW_ADDRESS, 1);
    cr_assert_eq(ask_in(NULL), 2, "a guess takes no rule away");
    cr_expect_eq(requirements[0].match.rule, policy->pin_rules[0]);
    cr_expect_eq(requirements[1].match.rule, policy->pin_rules[2]);
    /* Neither has. */
    set_peer("unknown", PEER_HOW_RESOLVER, "10.0.0.6", PEER_HOW_ADDRESS, 1);
    cr_assert_eq(ask_in(NULL), 1);
    cr_expect_eq(requirements[0].match.rule, policy->pin_rules[2]);
    /* Names that are known do not overrule each other. */
    set_peer("guess", PEER_HOW_SNI, "unknown", PEER_HOW_VERIFY_NAME, 1);
    cr_expect_eq(ask_in(NULL), 2);
}

Test(judge_evidence, whether_any_rule_matches)
{
    load(RULES("{ domain = \"a\"; keys = \"" A "\"; }, { domain = \"b\"; mode = \"off\"; }"));
    cr_expect_eq(ask("a", 1), 1);
    cr_expect(matched);
    cr_expect_eq(ask("b", 1), 0);
    cr_expect(matched);
    cr_expect_eq(ask("c", 1), 0);
    cr_expect_not(matched);
}

Test(judge_evidence, a_client_certificate_is_a_rule_for_a_peer_without_a_name)
{
#define UPSTREAM                                                                                             \
    " security: { upstream_certificates = ( { domain = \"10.0.0.5\"; certificate = \"x.pem\"; } ); };"
    load("unnamed = \"refuse\";" UPSTREAM);
    set_peer("10.0.0.5", PEER_HOW_ADDRESS, NULL, PEER_HOW_NONE, 0);
    cr_expect_eq(judge_unknown(policy, NULL, &peer), ABOUT_ALLOW);
    set_peer("10.0.0.6", PEER_HOW_ADDRESS, NULL, PEER_HOW_NONE, 0);
    cr_expect_eq(judge_unknown(policy, NULL, &peer), ABOUT_REFUSE);
    cr_expect_not(judge_is_unmatched(policy, NULL, &peer));
    set_peer("guess", PEER_HOW_RESOLVER, "10.0.0.5", PEER_HOW_ADDRESS, 0);
    cr_expect_eq(judge_unknown(policy, NULL, &peer), ABOUT_ALLOW);
    load("unnamed = \"refuse\"; unmatched = \"refuse\";" UPSTREAM);
    cr_expect_eq(judge_unknown(policy, NULL, &peer), ABOUT_REFUSE, "of a guess the stricter one counts");
    cr_expect(judge_is_unmatched(policy, NULL, &peer), "and it is told by its name");
    set_peer("10.0.0.5", PEER_HOW_ADDRESS, NULL, PEER_HOW_NONE, 0);
    cr_expect_eq(judge_unknown(policy, NULL, &peer), ABOUT_ALLOW);
    set_peer("10.0.0.5", PEER_HOW_SNI, NULL, PEER_HOW_NONE, 0);
    cr_expect_eq(judge_unknown(policy, NULL, &peer), ABOUT_REFUSE, "unmatched is about pins alone");
}
