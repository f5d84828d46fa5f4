#include <string.h>

#include "policy/index_table.h"

/* The suffixes of a name that patterns may name, each with its hash; the longest first. */
#define SUFFIX_MAX ((DOMAIN_NAME_MAX + 1) / 2)

struct suffixes {
    size_t count;
    uint32_t whole; /* the hash of the name itself */
    uint8_t at[SUFFIX_MAX];
    uint32_t hash[SUFFIX_MAX];
};

static void find_suffixes(const struct domain *peer, struct suffixes *suffixes)
{
    struct rule_hash hash = RULE_HASH_NONE;
    size_t count = 0;
    for (size_t i = peer->length; i > 0; i--) {
        if (peer->text[i - 1] == '.' && count < SUFFIX_MAX) {
            suffixes->at[count] = (uint8_t)i;
            suffixes->hash[count++] = rule_hash_value(hash);
        }
        hash = rule_hash_byte(hash, peer->text[i - 1]);
    }
    suffixes->count = count;
    suffixes->whole = rule_hash_value(hash);
}

/* The rule for one text: with the port first, then without. */
static void *ask(const struct rule_index *index, struct rule_key *key, uint16_t port)
{
    const struct rule_entry *entry = NULL;
    if (port != 0) {
        key->port = port;
        entry = rule_table_lookup(index, key);
        key->port = 0;
    }
    if (entry == NULL)
        entry = rule_table_lookup(index, key);
    return entry == NULL ? NULL : entry->rule;
}

/* The keys under which a peer is looked for, the most specific first. */
struct walk {
    const struct domain *peer;
    struct suffixes suffixes;
    size_t suffix; /* the next one, from the longest (the last found) on */
    enum domain_kind next;
    bool ended;
    struct rule_key key;
};

static void walk_begin(struct walk *walk, const struct domain *peer, bool group)
{
    walk->peer = peer;
    walk->suffixes.count = 0;
    walk->next = peer->kind == DOMAIN_NAME || peer->kind == DOMAIN_ADDRESS ? peer->kind : DOMAIN_ALL;
    walk->ended = false;
    walk->key = (struct rule_key){.group = group};
    if (peer->kind == DOMAIN_NAME)
        find_suffixes(peer, &walk->suffixes);
    else
        walk->suffixes.whole = rule_hash_text(peer->text, peer->length);
    walk->suffix = walk->suffixes.count;
}

static void use_text(struct walk *walk, size_t from, uint32_t hash)
{
    walk->key.text = walk->peer->text + from;
    walk->key.length = walk->peer->length - from;
    walk->key.text_hash = hash;
}

/* Sets walk->key; false at the end. */
static bool walk_next(struct walk *walk)
{
    const struct suffixes *suffixes = &walk->suffixes;
    if (walk->ended)
        return false;
    walk->key.kind = walk->next;
    switch (walk->next) {
    case DOMAIN_NAME:
    case DOMAIN_ADDRESS:
        use_text(walk, 0, suffixes->whole);
        walk->next = suffixes->count > 0 ? DOMAIN_ONE : DOMAIN_ALL;
        break;
    case DOMAIN_ONE:
        use_text(walk, suffixes->at[walk->suffix - 1], suffixes->hash[walk->suffix - 1]);
        walk->next = DOMAIN_MANY;
        break;
    case DOMAIN_MANY:
        walk->suffix--;
        use_text(walk, suffixes->at[walk->suffix], suffixes->hash[walk->suffix]);
        walk->next = walk->suffix > 0 ? DOMAIN_MANY : DOMAIN_ALL;
        break;
    case DOMAIN_ALL:
        use_text(walk, walk->peer->length, rule_hash_value(RULE_HASH_NONE));
        walk->ended = true;
        break;
    }
    return true;
}

void rule_index_find(const struct rule_index *index, const struct domain *peer, uint16_t port,
                     bool port_is_own, struct rule_match *match)
{
    struct walk walk;
    *match = (struct rule_match){.index = index, .peer = peer};
    if (index->count == 0)
        return;
    for (walk_begin(&walk, peer, false); match->rule == NULL && walk_next(&walk);) {
        match->rule = ask(index, &walk.key, port);
        match->kind = walk.key.kind;
    }
    if (match->rule != NULL || (port != 0 && port_is_own) || !rule_index_has_port(index))
        return;
    for (walk_begin(&walk, peer, true); match->rule == NULL && walk_next(&walk);) {
        const struct rule_entry *group = rule_table_lookup(index, &walk.key);
        match->kind = walk.key.kind;
        if (group != NULL)
            match->rule = rule_entry_at(index, rule_link_of(group)->next)->rule;
    }
    match->any_port = match->rule != NULL;
}

typedef bool entry_visit(const struct rule_entry *entry, void *context);

/* The patterns with a port that match `peer`, whichever the port is. */
static void each_with_port(const struct rule_index *index, const struct domain *peer, entry_visit *visit,
                           void *context)
{
    struct walk walk;
    for (walk_begin(&walk, peer, true); walk_next(&walk);) {
        const struct rule_entry *entry = rule_table_lookup(index, &walk.key);
        for (uint32_t next = entry == NULL ? 0 : rule_link_of(entry)->next; next != 0;
             next = rule_link_of(entry)->next) {
            entry = rule_entry_at(index, next);
            if (visit(entry, context))
                return;
        }
    }
}

/* What a caller wants called, for an entry. */
struct visitor {
    rule_visit *rule;
    pattern_visit *pattern;
    void *context;
};

static bool visit_rule(const struct rule_entry *entry, void *context)
{
    const struct visitor *visitor = context;
    return visitor->rule(entry->rule, visitor->context);
}

static bool visit_pattern(const struct rule_entry *entry, void *context)
{
    const struct visitor *visitor = context;
    struct domain pattern = {
        .kind = (enum domain_kind)entry->kind,
        .port = rule_entry_port(entry),
        .length = entry->length,
    };
    memcpy(pattern.text, entry->text, entry->length);
    return visitor->pattern(entry->rule, &pattern, visitor->context);
}

void rule_match_each(const struct rule_match *match, rule_visit *visit, void *context)
{
    struct visitor visitor = {.rule = visit, .context = context};
    if (match->any_port)
        each_with_port(match->index, match->peer, visit_rule, &visitor);
    else if (match->rule != NULL)
        visit(match->rule, context);
}

void rule_index_each(const struct rule_index *index, const struct domain *peer, uint16_t port,
                     pattern_visit *visit, void *context)
{
    struct visitor visitor = {.pattern = visit, .context = context};
    struct walk walk;
    for (walk_begin(&walk, peer, false); walk_next(&walk);) {
        struct rule_key with_port = walk.key;
        with_port.port = port;
        const struct rule_entry *entry = port == 0 ? NULL : rule_table_lookup(index, &with_port);
        if (entry != NULL && visit_pattern(entry, &visitor))
            return;
        entry = rule_table_lookup(index, &walk.key);
        if (entry != NULL && visit_pattern(entry, &visitor))
            return;
    }
}

void rule_index_each_port(const struct rule_index *index, const struct domain *peer, pattern_visit *visit,
                          void *context)
{
    struct visitor visitor = {.pattern = visit, .context = context};
    each_with_port(index, peer, visit_pattern, &visitor);
}

void rule_index_all(const struct rule_index *index, pattern_visit *visit, void *context)
{
    struct visitor visitor = {.pattern = visit, .context = context};
    for (size_t i = 0; i < index->slot_count; i++) {
        const struct rule_entry *entry = rule_slot_entry(index, i);
        if (entry != NULL && !entry->group && visit_pattern(entry, &visitor))
            return;
    }
}
