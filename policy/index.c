#include "policy/index.h"

#include <string.h>

/*
 * Every pattern is one entry. A pattern with a port is also chained to a second entry for the same text,
 * its `group`, through which the rules for all ports are found when the peer's port is not known.
 */
struct rule_entry {
    void *rule;    /* NULL for a group */
    uint32_t next; /* of a group: its first pattern; of a pattern: the next of its group. 0: none */
    uint16_t port;
    uint8_t length;
    uint8_t kind : 7;
    bool group : 1;
    char text[]; /* here, so that a lookup touches no other memory than this */
};

/*
 * Entries are told by a number, the hash stands beside it: so a slot that is in use costs no look at its
 * entry unless that is the one. With 100,000 patterns the entry is not in any cache, nor is the slot, and a
 * name without a rule takes half of the time that it took with a table of pointers.
 */
struct rule_slot {
    uint32_t hash;
    uint32_t entry; /* 0: free */
};

/* Entries lie in blocks, each at the beginning of a unit; their number is that of the unit. */
#define BLOCK_UNITS 512
union rule_unit {
    void *align;
    unsigned char bytes[8];
};

struct key {
    const char *text;
    size_t length;
    uint32_t text_hash;
    enum domain_kind kind;
    uint16_t port;
    bool group;
};

/*
 * FNV-1a from the last byte to the first: then the hash of each suffix of a name is a by-product of hashing
 * the name. The policy file is trusted (its owner is root or this user), so no secret key is needed.
 */
#define HASH_SEED 2166136261u

static uint32_t hash_byte(uint32_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * 16777619u;
}

static uint32_t hash_text(const char *text, size_t length)
{
    uint32_t hash = HASH_SEED;
    while (length > 0)
        hash = hash_byte(hash, text[--length]);
    return hash;
}

static uint32_t hash_key(const struct key *key)
{
    uint32_t hash =
        key->text_hash ^ ((uint32_t)key->kind << 1 | key->group) * 0x9e3779b1u ^ key->port * 0x85ebca6bu;
    hash ^= hash >> 15;
    hash *= 0x2c1b3c6du;
    return hash ^ hash >> 13;
}

static unsigned presence(const struct key *key)
{
    return 1u << (3 * (unsigned)key->kind + (key->group ? 2 : key->port != 0));
}

static bool is_same(const struct rule_entry *entry, const struct key *key)
{
    return entry->kind == key->kind && entry->port == key->port && entry->group == key->group &&
           entry->length == key->length && memcmp(entry->text, key->text, key->length) == 0;
}

bool rule_index_has_kind(const struct rule_index *index, enum domain_kind kind)
{
    unsigned of_kind =
        presence(&(struct key){.kind = kind}) | presence(&(struct key){.kind = kind, .group = true});
    return (index->present & of_kind) != 0;
}

bool rule_index_has_addresses(const struct rule_index *index)
{
    return rule_index_has_kind(index, DOMAIN_ADDRESS) || rule_index_has_kind(index, DOMAIN_ALL);
}

bool rule_index_has_port(const struct rule_index *index)
{
    unsigned groups = 0;
    for (enum domain_kind kind = DOMAIN_NAME; kind <= DOMAIN_ALL; kind++)
        groups |= presence(&(struct key){.kind = kind, .group = true});
    return (index->present & groups) != 0;
}

static struct rule_entry *entry_at(const struct rule_index *index, uint32_t number)
{
    return (struct rule_entry *)&index->blocks[number / BLOCK_UNITS][number % BLOCK_UNITS];
}

/* The number of an entry; 0: there is none. */
static uint32_t find(const struct rule_index *index, const struct key *key)
{
    if (index->slots == NULL || (index->present & presence(key)) == 0)
        return 0;
    uint32_t hash = hash_key(key);
    for (size_t i = hash;; i++) {
        const struct rule_slot *slot = &index->slots[i & (index->slot_count - 1)];
        if (slot->entry == 0 || (slot->hash == hash && is_same(entry_at(index, slot->entry), key)))
            return slot->entry;
    }
}

static const struct rule_entry *lookup(const struct rule_index *index, const struct key *key)
{
    uint32_t number = find(index, key);
    return number == 0 ? NULL : entry_at(index, number);
}

/* There is a free slot: see make_room(). */
static void put(struct rule_slot *slots, size_t slot_count, struct rule_slot entry)
{
    size_t i = entry.hash & (slot_count - 1);
    while (slots[i].entry != 0)
        i = (i + 1) & (slot_count - 1);
    slots[i] = entry;
}

/*
 * For `more` entries. Four fifths may be in use: with 100,000 patterns a table twice as large is not held by
 * the second cache, and a look at a name without a rule takes 230 ns in the place of 130.
 */
static bool make_room(struct rule_index *index, struct arena *arena, size_t more)
{
    struct rule_index larger = *index;
    if (index->slots != NULL && 5 * (index->count + more) <= 4 * index->slot_count)
        return true;
    larger.slot_count = index->slot_count == 0 ? 16 : 2 * index->slot_count;
    while (4 * larger.slot_count < 5 * (index->count + more))
        larger.slot_count *= 2;
    larger.slots = arena_alloc(arena, larger.slot_count * sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; index->slots != NULL && i < index->slot_count; i++) {
        if (index->slots[i].entry != 0)
            put(larger.slots, larger.slot_count, index->slots[i]);
    }
    *index = larger;
    return true;
}

/*
 * The number of an entry for a text of `length`; 0: memory is short. The first block grows as it is needed:
 * there may be 100,000 sections, each with one rule.
 */
static uint32_t allocate(struct rule_index *index, struct arena *arena, size_t length)
{
    size_t bytes = offsetof(struct rule_entry, text) + length;
    size_t units = (bytes + sizeof(union rule_unit) - 1) / sizeof(union rule_unit);
    size_t used = index->units_used == 0 ? 1 : index->units_used; /* no entry has the number 0 */
    if (used % BLOCK_UNITS + units > BLOCK_UNITS)
        used += BLOCK_UNITS - used % BLOCK_UNITS;
    size_t block = used / BLOCK_UNITS;
    if (block == index->block_count) {
        union rule_unit **blocks = arena_grow(arena, index->blocks, (block + 1) * sizeof(union rule_unit *));
        if (blocks == NULL)
            return 0;
        index->blocks = blocks;
        blocks[index->block_count++] = NULL;
    }
    size_t need = block == 0 ? used + units : BLOCK_UNITS;
    union rule_unit *grown = arena_grow(arena, index->blocks[block], need * sizeof(union rule_unit));
    if (grown == NULL)
        return 0;
    index->blocks[block] = grown;
    index->units_used = used + units;
    return (uint32_t)used;
}

static uint32_t insert(struct rule_index *index, struct arena *arena, const struct key *key, void *rule)
{
    uint32_t number = make_room(index, arena, 1) ? allocate(index, arena, key->length) : 0;
    if (number == 0)
        return 0;
    struct rule_entry *entry = entry_at(index, number);
    entry->rule = rule;
    entry->next = 0;
    entry->port = key->port;
    entry->length = (uint8_t)key->length;
    entry->kind = (unsigned)key->kind & 0x7fU;
    entry->group = key->group;
    memcpy(entry->text, key->text, key->length);
    put(index->slots, index->slot_count, (struct rule_slot){hash_key(key), number});
    index->count++;
    index->present |= presence(key);
    return number;
}

bool rule_index_reserve(struct rule_index *index, struct arena *arena, size_t count)
{
    return make_room(index, arena, count);
}

enum rule_index_result rule_index_add(struct rule_index *index, struct arena *arena,
                                      const struct domain *domain, void *rule, void **existing)
{
    struct key key = {
        .text = domain->text,
        .length = domain->length,
        .text_hash = hash_text(domain->text, domain->length),
        .kind = domain->kind,
        .port = domain->port,
    };
    uint32_t known = find(index, &key);
    if (known != 0) {
        *existing = entry_at(index, known)->rule;
        return RULE_INDEX_EXISTS;
    }
    uint32_t added = insert(index, arena, &key, rule);
    if (added == 0)
        return RULE_INDEX_NO_MEMORY;
    if (domain->port == 0)
        return RULE_INDEX_ADDED;

    key.port = 0;
    key.group = true;
    uint32_t group = find(index, &key);
    if (group == 0)
        group = insert(index, arena, &key, NULL);
    if (group == 0)
        return RULE_INDEX_NO_MEMORY;
    entry_at(index, added)->next = entry_at(index, group)->next;
    entry_at(index, group)->next = added;
    return RULE_INDEX_ADDED;
}

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
    uint32_t hash = HASH_SEED;
    size_t count = 0;
    for (size_t i = peer->length; i > 0; i--) {
        if (peer->text[i - 1] == '.' && count < SUFFIX_MAX) {
            suffixes->at[count] = (uint8_t)i;
            suffixes->hash[count++] = hash;
        }
        hash = hash_byte(hash, peer->text[i - 1]);
    }
    suffixes->count = count;
    suffixes->whole = hash;
}

/* The rule for one text: with the port first, then without. */
static void *ask(const struct rule_index *index, struct key *key, uint16_t port)
{
    const struct rule_entry *entry = NULL;
    if (port != 0) {
        key->port = port;
        entry = lookup(index, key);
        key->port = 0;
    }
    if (entry == NULL)
        entry = lookup(index, key);
    return entry == NULL ? NULL : entry->rule;
}

/* The keys under which a peer is looked for, the most specific first. */
struct walk {
    const struct domain *peer;
    struct suffixes suffixes;
    size_t suffix; /* the next one, from the longest (the last found) on */
    enum domain_kind next;
    bool ended;
    struct key key;
};

static void walk_begin(struct walk *walk, const struct domain *peer, bool group)
{
    walk->peer = peer;
    walk->suffixes.count = 0;
    walk->next = peer->kind == DOMAIN_NAME || peer->kind == DOMAIN_ADDRESS ? peer->kind : DOMAIN_ALL;
    walk->ended = false;
    walk->key = (struct key){.group = group};
    if (peer->kind == DOMAIN_NAME)
        find_suffixes(peer, &walk->suffixes);
    else
        walk->suffixes.whole = hash_text(peer->text, peer->length);
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
        use_text(walk, walk->peer->length, HASH_SEED);
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
        const struct rule_entry *group = lookup(index, &walk.key);
        match->kind = walk.key.kind;
        if (group != NULL)
            match->rule = entry_at(index, group->next)->rule;
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
        const struct rule_entry *entry = lookup(index, &walk.key);
        for (uint32_t next = entry == NULL ? 0 : entry->next; next != 0; next = entry->next) {
            entry = entry_at(index, next);
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
        .port = entry->port,
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
        struct key with_port = walk.key;
        with_port.port = port;
        const struct rule_entry *entry = port == 0 ? NULL : lookup(index, &with_port);
        if (entry != NULL && visit_pattern(entry, &visitor))
            return;
        entry = lookup(index, &walk.key);
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
        uint32_t number = index->slots[i].entry;
        const struct rule_entry *entry = number == 0 ? NULL : entry_at(index, number);
        if (entry != NULL && !entry->group && visit_pattern(entry, &visitor))
            return;
    }
}
