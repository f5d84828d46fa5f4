#include "policy/judge.h"

#include "policy/upstream.h"

const char *reason_name(enum reason reason)
{
    static const char *const names[] = {
        [REASON_NONE] = "none",
        [REASON_MISMATCH] = "mismatch",
        [REASON_RESUMED] = "resumed",
        [REASON_NO_CERTIFICATE] = "no_certificate",
        [REASON_UNRESOLVED] = "unresolved",
        [REASON_EXPIRED] = "expired",
        [REASON_VERSION] = "version",
        [REASON_VERIFICATION] = "verification",
    };
    return names[reason];
}

const char *peer_how_name(enum peer_how how)
{
    static const char *const names[] = {
        [PEER_HOW_NONE] = "none", [PEER_HOW_ADDRESS] = "address",         [PEER_HOW_RESOLVER] = "resolver",
        [PEER_HOW_BIO] = "bio",   [PEER_HOW_VERIFY_NAME] = "verify-name", [PEER_HOW_SNI] = "sni",
    };
    return names[how];
}

struct strictest {
    const struct policy *policy;
    enum mode mode;
    bool asks_for_the_name;
};

/* Enforce beats report beats off: where the rules for every port apply, several speak. */
static bool make_stricter(void *visited, void *context)
{
    struct strictest *strictest = context;
    const struct pin_rule *rule = visited;
    enum mode mode = policy_rule_mode(strictest->policy, rule);
    if (mode < strictest->mode)
        strictest->mode = mode;
    if (rule->verify == VERIFY_REQUIRE)
        strictest->asks_for_the_name = true;
    return false;
}

/*
 * The section's rules before the global ones; but those that are for other ports, and apply only because the
 * port may not be known, after all that are certain.
 */
static void find_rules(const struct policy *policy, const struct section *section, const struct peer *peer,
                       const struct domain *name, struct rule_match *match)
{
    struct rule_match own = {.rule = NULL};
    if (section != NULL)
        rule_index_find(&section->pins, name, peer->port, peer->port_is_own, &own);
    *match = own;
    if (own.rule != NULL && !own.any_port)
        return;
    rule_index_find(&policy->pins, name, peer->port, peer->port_is_own, match);
    if (own.rule != NULL && (match->rule == NULL || match->any_port))
        *match = own;
}

bool judge_name(const struct policy *policy, const struct section *section, const struct peer *peer,
                const struct peer_name *name, struct requirement *requirement)
{
    struct strictest strictest = {policy, MODE_OFF, false};
    *requirement = (struct requirement){.policy = policy, .name = name};
    find_rules(policy, section, peer, &name->domain, &requirement->match);
    rule_match_each(&requirement->match, make_stricter, &strictest);
    requirement->mode = strictest.mode;
    return requirement->match.rule != NULL;
}

/* Does a requirement before this one ask the same? */
static bool is_asked(const struct requirement *requirements, size_t count, const struct rule_match *match)
{
    for (size_t i = 0; i < count; i++) {
        if (!requirements[i].match.any_port && requirements[i].match.rule == match->rule)
            return true;
    }
    return false;
}

size_t judge_requirements(const struct policy *policy, const struct section *section, const struct peer *peer,
                          struct requirement requirements[PEER_NAMES_MAX], bool *matched)
{
    struct rule_match matches[PEER_NAMES_MAX];
    bool any = false;
    size_t count = 0;
    for (size_t i = 0; i < peer->name_count; i++) {
        find_rules(policy, section, peer, &peer->names[i].domain, &matches[i]);
        /* A guess adds rules of its own. One for everything is the address's, which stands beside it. */
        if (peer->names[i].how == PEER_HOW_RESOLVER && matches[i].kind == DOMAIN_ALL)
            matches[i].rule = NULL;
    }
    for (size_t i = 0; i < peer->name_count; i++) {
        struct strictest strictest = {policy, MODE_OFF, false};
        if (matches[i].rule == NULL)
            continue;
        rule_match_each(&matches[i], make_stricter, &strictest);
        /* A guess may lead to a rule; that it leads to an exception proves nothing. */
        any = any || peer->names[i].how != PEER_HOW_RESOLVER || strictest.mode <= policy->mode;
        if (strictest.mode == MODE_OFF || (!matches[i].any_port && !strictest.asks_for_the_name &&
                                           is_asked(requirements, count, &matches[i])))
            continue;
        requirements[count++] = (struct requirement){policy, &peer->names[i], matches[i], strictest.mode};
    }
    if (matched != NULL)
        *matched = any;
    return count;
}

static enum about about_unnamed(const struct policy *policy, const struct section *section,
                                const struct peer *peer)
{
    return upstream_has_rule_for_unnamed(policy, section, peer) ? ABOUT_ALLOW : policy->unnamed;
}

/* Of a guess the stricter one counts. */
bool judge_is_unmatched(const struct policy *policy, const struct section *section, const struct peer *peer)
{
    return peer_is_named(peer) || (peer->names[0].how == PEER_HOW_RESOLVER &&
                                   policy->unmatched > about_unnamed(policy, section, peer));
}

enum about judge_unknown(const struct policy *policy, const struct section *section, const struct peer *peer)
{
    struct requirement requirements[PEER_NAMES_MAX];
    bool matched;
    if (policy->mode == MODE_OFF)
        return ABOUT_ALLOW;
    judge_requirements(policy, section, peer, requirements, &matched);
    if (matched)
        return ABOUT_ALLOW;
    enum about about =
        judge_is_unmatched(policy, section, peer) ? policy->unmatched : about_unnamed(policy, section, peer);
    return about == ABOUT_REFUSE && policy->mode == MODE_REPORT ? ABOUT_REPORT : about;
}

struct key_walk {
    key_visit *visit;
    void *context;
};

static bool visit_keys(void *visited, void *context)
{
    const struct pin_rule *rule = visited;
    const struct key_walk *walk = context;
    for (size_t i = 0; i < rule->key_count; i++) {
        if (walk->visit(rule, &rule->keys[i], walk->context))
            return true;
    }
    return false;
}

void requirement_each_key(const struct requirement *requirement, key_visit *visit, void *context)
{
    struct key_walk walk = {visit, context};
    rule_match_each(&requirement->match, visit_keys, &walk);
}

/* What the rules of a requirement come to, for one peer. Where several apply, any pin of theirs counts. */
struct hearing {
    const struct requirement *requirement;
    const struct evidence *evidence;
    struct judgement *judgement;
    bool keys_asked;                       /* some rule has keys, */
    bool keys_in_force;                    /* which have not expired, */
    bool keys_usable;                      /* and could be read */
    bool pinned;                           /* a key in force is the peer's */
    bool expired_pinned;                   /* a key that has expired is */
    const struct pin_rule *refuses_expiry; /* NULL: none does */
    const struct pin_rule *first_with_keys;
};

/* Keeps the first failure, but one that refuses beats one that is only reported. */
static void fail(struct hearing *hearing, enum reason reason, enum mode mode, const struct pin_rule *rule,
                 int error)
{
    struct judgement *judgement = hearing->judgement;
    if (mode == MODE_OFF || (judgement->reason != REASON_NONE && judgement->mode <= mode))
        return;
    judgement->reason = reason;
    judgement->mode = mode;
    judgement->rule = rule;
    judgement->error = error;
}

static bool has_expired(const struct pin_rule *rule, time_t now)
{
    return rule->expires && now >= rule->expiry;
}

/* Is the peer's leaf, or a certificate above it where the rule allows that, one of the rule's keys? */
static bool is_pinned_by(struct hearing *hearing, const struct pin_rule *rule)
{
    const struct evidence *evidence = hearing->evidence;
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct pin *pin = policy_key_pin(hearing->requirement->policy, &rule->keys[i]);
        hearing->keys_usable = hearing->keys_usable || pin != NULL;
        if (pin != NULL && evidence->pin != NULL && pin_equal(pin, evidence->pin))
            return true;
    }
    return rule->target == TARGET_CHAIN && evidence->has_key && evidence->proof != NULL &&
           evidence->proof->chain(evidence->proof->context, rule);
}

static bool hear_keys(void *visited, void *context)
{
    const struct pin_rule *rule = visited;
    struct hearing *hearing = context;
    if (rule->key_count == 0)
        return false;
    hearing->keys_asked = true;
    if (hearing->first_with_keys == NULL)
        hearing->first_with_keys = rule;
    if (!has_expired(rule, hearing->evidence->now)) {
        hearing->keys_in_force = true;
        hearing->pinned = hearing->pinned || is_pinned_by(hearing, rule);
    } else if (rule->after_expiry == AFTER_EXPIRY_REFUSE) {
        hearing->refuses_expiry = rule;
    } else {
        hearing->expired_pinned = hearing->expired_pinned || is_pinned_by(hearing, rule);
    }
    return false;
}

static enum reason key_reason(const struct hearing *hearing)
{
    if (!hearing->evidence->has_key)
        return REASON_NO_CERTIFICATE;
    return hearing->keys_usable ? REASON_MISMATCH : REASON_UNRESOLVED;
}

static void judge_keys(struct hearing *hearing)
{
    enum mode mode = hearing->requirement->mode;
    rule_match_each(&hearing->requirement->match, hear_keys, hearing);
    if (!hearing->keys_asked || hearing->pinned)
        return;
    if (hearing->keys_in_force)
        fail(hearing, key_reason(hearing), mode, hearing->first_with_keys, 0);
    else if (hearing->refuses_expiry != NULL)
        fail(hearing, REASON_EXPIRED, mode, hearing->refuses_expiry, 0);
    else if (!hearing->expired_pinned)
        fail(hearing, key_reason(hearing), mode == MODE_ENFORCE ? MODE_REPORT : mode,
             hearing->first_with_keys, 0);
}

static bool judge_version(void *visited, void *context)
{
    const struct pin_rule *rule = visited;
    struct hearing *hearing = context;
    if (hearing->evidence->version < rule->min_version)
        fail(hearing, REASON_VERSION, policy_rule_mode(hearing->requirement->policy, rule), rule, 0);
    return false;
}

static bool judge_verification(void *visited, void *context)
{
    const struct pin_rule *rule = visited;
    struct hearing *hearing = context;
    const struct evidence *evidence = hearing->evidence;
    enum mode mode = policy_rule_mode(hearing->requirement->policy, rule);
    if (rule->verify != VERIFY_REQUIRE || mode == MODE_OFF)
        return false;
    if (!evidence->has_key) {
        fail(hearing, REASON_NO_CERTIFICATE, mode, rule, 0);
        return false;
    }
    int error = JUDGE_UNVERIFIED;
    if (evidence->proof != NULL)
        error = evidence->proof->require(evidence->proof->context, rule, &hearing->requirement->name->domain);
    if (error != 0)
        fail(hearing, REASON_VERIFICATION, mode, rule, error);
    return false;
}

void judge(const struct requirement *requirement, const struct evidence *evidence,
           struct judgement *judgement)
{
    const struct rule_match *match = &requirement->match;
    const struct pin_rule *rule = match->rule;
    struct hearing hearing = {.requirement = requirement, .evidence = evidence, .judgement = judgement};
    *judgement = (struct judgement){.mode = requirement->mode, .rule = rule};
    rule_match_each(match, judge_version, &hearing);
    judge_keys(&hearing);
    rule_match_each(match, judge_verification, &hearing);
    /* Not where it is a guess that leads to the rule. */
    judgement->loosens = judgement->reason == REASON_NONE && hearing.pinned && rule->verify == VERIFY_PIN &&
                         !match->any_port && requirement->mode == MODE_ENFORCE &&
                         requirement->name->how != PEER_HOW_RESOLVER;
}
