#include "policy/upstream.h"

/* What the name of a peer leads to. */
struct led {
    const struct upstream_rule *rule; /* NULL: nowhere */
    enum domain_kind kind;            /* of its pattern */
    const struct peer_name *name;
};

/* Is the address, or what is guessed of it, that of the server for sure? */
static bool has_sure_address(const struct peer *peer)
{
    return !peer->may_be_proxy && !peer->is_concluded;
}

/*
 * A pattern with a port counts only where the port is the name's own. Else it is as if it were not there:
 * what the lookup finds for lack of anything better, rules for whichever port, says nothing of this peer.
 */
static bool look_up(const struct rule_index *index, const struct peer *peer, struct led *led)
{
    struct rule_match match;
    uint16_t port = peer->port_is_own && !peer->is_concluded ? peer->port : 0;
    rule_index_find(index, &led->name->domain, port, port != 0, &match);
    if (match.rule == NULL || match.any_port)
        return false;
    led->rule = match.rule;
    led->kind = match.kind;
    return true;
}

static struct led lead(const struct policy *policy, const struct section *section, const struct peer *peer,
                       const struct peer_name *name)
{
    struct led led = {.name = name};
    if (section == NULL || !look_up(&section->upstream, peer, &led))
        look_up(&policy->upstream, peer, &led);
    return led;
}

static enum upstream_answer answer_of(const struct policy *policy, const struct led *led,
                                      enum upstream_answer answer, struct upstream_found *found)
{
    enum mode mode = led->rule == NULL ? MODE_OFF : policy_upstream_mode(policy, led->rule);
    if (mode == MODE_OFF)
        return UPSTREAM_NONE;
    *found = (struct upstream_found){led->rule, led->name};
    return mode == MODE_ENFORCE ? answer : UPSTREAM_NONE;
}

/*
 * A guess of the resolver counts as a name only if no other can have led to the address. Else whoever answers
 * for a name could have a certificate shown that is meant for another, so only a rule for the very address
 * holds. One for everything matches the guess because it matches the address.
 */
static enum upstream_answer find_for_guess(const struct policy *policy, const struct section *section,
                                           const struct peer *peer, struct upstream_found *found)
{
    struct led guess = lead(policy, section, peer, &peer->names[0]);
    struct led address = {.rule = NULL};
    if (peer->name_count > 1)
        address = lead(policy, section, peer, &peer->names[1]);
    bool is_of_guess = guess.rule != NULL && guess.kind != DOMAIN_ALL;
    if (peer->guess_is_only) {
        bool is_addressed = address.rule != guess.rule && !is_of_guess;
        return answer_of(policy, is_addressed ? &address : &guess, UPSTREAM_RULE, found);
    }
    if (address.rule != NULL && address.kind == DOMAIN_ADDRESS)
        return answer_of(policy, &address, UPSTREAM_RULE, found);
    enum upstream_answer answer = answer_of(policy, &guess, UPSTREAM_GUESSED, found);
    if (answer == UPSTREAM_GUESSED || address.rule == guess.rule)
        return answer;
    /* That the guess leads to an exception, or to a report, proves nothing either. */
    struct upstream_found other = {NULL, NULL};
    answer = answer_of(policy, &address, UPSTREAM_GUESSED, &other);
    if (answer == UPSTREAM_GUESSED || found->rule == NULL)
        *found = other;
    return answer;
}

/* What the names that are known for sure lead to, but for those that lead nowhere. */
struct names {
    struct led first;    /* that leads to a rule */
    struct led enforced; /* the first whose rule is enforced */
    bool differ;
};

static void add_name(struct names *names, const struct policy *policy, const struct led *led)
{
    if (led->rule == NULL)
        return;
    if (names->first.rule == NULL)
        names->first = *led;
    names->differ = names->differ || names->first.rule != led->rule;
    if (names->enforced.rule == NULL && policy_upstream_mode(policy, led->rule) == MODE_ENFORCE)
        names->enforced = *led;
}

static enum upstream_answer find_for_names(const struct policy *policy, const struct section *section,
                                           const struct peer *peer, struct upstream_found *found)
{
    struct names names = {.differ = false};
    for (size_t i = 0; i < peer->name_count; i++) {
        const struct led led = lead(policy, section, peer, &peer->names[i]);
        add_name(&names, policy, &led);
    }
    /*
     * A name that was left out may have a rule of its own, so with one it is as if they differed. That it
     * alone has one is not looked for: nothing is shown for a name that leads nowhere.
     */
    if (!names.differ && !peer->names_left_out)
        return answer_of(policy, &names.first, UPSTREAM_RULE, found);
    /* Several rules, of which an exception or a report is one too; but they do something only together. */
    return answer_of(policy, &names.enforced, UPSTREAM_SEVERAL, found);
}

/* A rule for everything holds also where nothing is known, so it does not hang on the address. */
static bool is_for_everything(const struct policy *policy, const struct section *section,
                              const struct peer *peer, const struct upstream_found *found)
{
    const struct led led = lead(policy, section, peer, found->name);
    return led.kind == DOMAIN_ALL;
}

enum upstream_answer upstream_find(const struct policy *policy, const struct section *section,
                                   const struct peer *peer, struct upstream_found *found)
{
    *found = (struct upstream_found){NULL, NULL};
    enum upstream_answer answer = peer->names[0].how == PEER_HOW_RESOLVER
                                      ? find_for_guess(policy, section, peer, found)
                                      : find_for_names(policy, section, peer, found);
    /* The host that a connect BIO was told may be a proxy too; that one is not concluded from others. */
    bool is_unsure = peer->names[0].how == PEER_HOW_BIO ? peer->may_be_proxy
                                                        : !peer_is_named(peer) && !has_sure_address(peer);
    if (answer == UPSTREAM_RULE && is_unsure && !is_for_everything(policy, section, peer, found))
        return UPSTREAM_GUESSED;
    return answer;
}

bool upstream_has_rule_for_unnamed(const struct policy *policy, const struct section *section,
                                   const struct peer *peer)
{
    for (size_t i = 0; i < peer->name_count; i++) {
        if (peer->names[i].how == PEER_HOW_RESOLVER)
            continue;
        const struct led led = lead(policy, section, peer, &peer->names[i]);
        if (led.rule != NULL && policy_upstream_mode(policy, led.rule) != MODE_OFF &&
            (led.kind == DOMAIN_ALL || has_sure_address(peer)))
            return true;
    }
    return false;
}
