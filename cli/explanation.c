#include "cli/explanation.h"

#include <stdlib.h>
#include <string.h>

/* What a walk over patterns needs. */
struct collector {
    struct explanation *explanation;
    struct rule_list *list;
    bool failed; /* memory is short */
};

static bool contains(const struct rule_list *list, const struct pin_rule *rule)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].rule == rule)
            return true;
    }
    return false;
}

/* True where the walk must end. */
static bool append(struct collector *collector, const struct pin_rule *rule, const struct domain *pattern)
{
    struct rule_list *list = collector->list;
    struct led_rule *items = reallocarray(list->items, list->count + 1, sizeof *items);
    if (items == NULL) {
        collector->failed = true;
        return true;
    }
    list->items = items;
    items[list->count++] = (struct led_rule){rule, *pattern};
    return false;
}

static bool add(void *rule, const struct domain *pattern, void *context)
{
    struct collector *collector = context;
    return !contains(collector->list, rule) && append(collector, rule, pattern);
}

static bool add_first(void *rule, const struct domain *pattern, void *context)
{
    add(rule, pattern, context);
    return true;
}

static bool add_hidden(void *rule, const struct domain *pattern, void *context)
{
    const struct collector *collector = context;
    return !contains(&collector->explanation->rules, rule) && add(rule, pattern, context);
}

/* Would this rule apply, if the port were that of its pattern? The same rule may do so for several ports. */
static bool add_with_port(void *rule, const struct domain *pattern, void *context)
{
    struct collector *collector = context;
    const struct explanation *explanation = collector->explanation;
    struct requirement requirement;
    struct peer peer = explanation->peer;
    peer.port = pattern->port;
    peer.port_is_own = true;
    judge_name(explanation->policy, explanation->section, &peer, &peer.names[0], &requirement);
    bool applies = requirement.match.rule == rule && requirement.match.kind == pattern->kind;
    return applies && append(collector, rule, pattern);
}

/* The section's rules come first. */
static void walk_both(const struct explanation *explanation, pattern_visit *visit,
                      struct collector *collector)
{
    const struct domain *name = &explanation->peer.names[0].domain;
    uint16_t port = explanation->peer.port;
    if (explanation->section != NULL)
        rule_index_each(&explanation->section->pins, name, port, visit, collector);
    rule_index_each(&explanation->policy->pins, name, port, visit, collector);
}

static void walk_ports(const struct explanation *explanation, pattern_visit *visit,
                       struct collector *collector)
{
    const struct domain *name = &explanation->peer.names[0].domain;
    if (explanation->section != NULL)
        rule_index_each_port(&explanation->section->pins, name, visit, collector);
    rule_index_each_port(&explanation->policy->pins, name, visit, collector);
}

static void collect_rules(struct explanation *explanation, struct collector *collector)
{
    const struct rule_match *match = &explanation->requirement.match;
    collector->list = &explanation->rules;
    if (match->any_port)
        rule_index_each_port(match->index, match->peer, add, collector);
    else if (explanation->has_rule)
        rule_index_each(match->index, match->peer, explanation->peer.port, add_first, collector);
}

/* Events name the rule that decides, so it comes first here too. */
static void put_decider_first(struct explanation *explanation)
{
    struct rule_list *rules = &explanation->rules;
    if (rules->count < 2)
        return;
    const struct pin_rule *decider = explanation_decider(explanation);
    for (size_t i = 1; i < rules->count; i++) {
        struct led_rule led = rules->items[i];
        if (led.rule != decider)
            continue;
        memmove(&rules->items[1], &rules->items[0], i * sizeof led);
        rules->items[0] = led;
        return;
    }
}

static const struct pin_rule *find_elsewhere(const struct explanation *explanation)
{
    struct requirement requirement;
    struct peer peer = explanation->peer;
    if (explanation->has_rule || peer.port == 0)
        return NULL;
    peer.port = 0;
    peer.port_is_own = false;
    bool found = judge_name(explanation->policy, explanation->section, &peer, &peer.names[0], &requirement);
    return found && requirement.match.any_port ? requirement.match.rule : NULL;
}

static void set_peer(struct peer *peer, const struct domain *host)
{
    *peer = (struct peer){.name_count = 1, .port = host->port, .port_is_own = host->port != 0};
    peer->names[0].domain = *host;
    peer->names[0].domain.port = 0;
    /* An address is mostly all that is known of such a peer, while a name is sent. */
    peer->names[0].how = host->kind == DOMAIN_NAME      ? PEER_HOW_SNI
                         : host->kind == DOMAIN_ADDRESS ? PEER_HOW_ADDRESS
                                                        : PEER_HOW_NONE;
}

bool explanation_make(struct explanation *explanation, const struct policy *policy,
                      const struct section *section, const struct domain *host, const struct ossl *ossl,
                      time_t now)
{
    struct collector collector = {.explanation = explanation};
    *explanation = (struct explanation){.policy = policy, .section = section, .now = now};
    set_peer(&explanation->peer, host);
    explanation->has_rule = judge_name(policy, section, &explanation->peer, &explanation->peer.names[0],
                                       &explanation->requirement);
    const struct rule_match *match = &explanation->requirement.match;
    explanation->of_section = explanation->has_rule && section != NULL && match->index == &section->pins;
    collect_rules(explanation, &collector);
    put_decider_first(explanation);
    explanation->elsewhere = find_elsewhere(explanation);
    if (!match->any_port) {
        collector.list = &explanation->hidden;
        walk_both(explanation, add_hidden, &collector);
    }
    if (host->port == 0 && !match->any_port) {
        collector.list = &explanation->with_port;
        walk_ports(explanation, add_with_port, &collector);
    }
    bool is_explained = client_explain(&explanation->client, policy, section, &explanation->peer, ossl, now);
    return is_explained && !collector.failed;
}

void explanation_free(struct explanation *explanation)
{
    free(explanation->rules.items);
    free(explanation->hidden.items);
    free(explanation->with_port.items);
    client_explained_free(&explanation->client);
}

bool explanation_is_past(const struct explanation *explanation, const struct pin_rule *rule)
{
    return rule->expires && explanation->now >= rule->expiry;
}

static struct peer unnamed_peer(const struct explanation *explanation)
{
    struct peer peer = explanation->peer;
    peer.names[0].how = PEER_HOW_ADDRESS;
    return peer;
}

bool explanation_counts_client(const struct explanation *explanation)
{
    const struct peer peer = unnamed_peer(explanation);
    return upstream_has_rule_for_unnamed(explanation->policy, explanation->section, &peer);
}

enum about explanation_about(const struct explanation *explanation, bool named)
{
    struct peer peer = unnamed_peer(explanation);
    if (named)
        peer.names[0].how = PEER_HOW_VERIFY_NAME;
    return judge_unknown(explanation->policy, explanation->section, &peer);
}
