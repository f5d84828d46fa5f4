#include "policy/index.h"

#include <string.h>

/*
 * Every pattern is one entry. A pattern with a port is also chained to a second entry for the same text,
 * its `group`, through which the rules for all ports are found when the peer's port is not known.
 */
struct rule_entry {
    const char *text;
    void *rule;                   /* NULL for a group */
    struct rule_entry *next_port; /* of a group: its first pattern; of a pattern: the next of its group */
    uint32_t hash;
    uint16_t port;
    uint8_t length;
    uint8_t kind;
    bool group;
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

static bool is_same(const struct rule_entry *entry, const struct key *key, uint32_t hash)
{
    return entry->hash == hash && entry->kind == key->kind && entry->port == key->port &&
           entry->group == key->group && entry->length == key->length &&
           memcmp(entry->text, key->text, key->length) == 0;
}

static struct rule_entry *lookup(const struct rule_index *index, const struct key *key)
{
    if (index->slots == NULL || (index->present & presence(key)) == 0)
        return NULL;
    uint32_t hash = hash_key(key);
    for (size_t i = hash;; i++) {
        struct rule_entry *entry = index->slots[i & (index->slot_count - 1)];
        if (entry == NULL || is_same(entry, key, hash))
            return entry;
    }
}

/* There is a free slot: see make_room(). */
static void put(struct rule_entry **slots, size_t slot_count, struct rule_entry *entry)
{
    size_t i = entry->hash & (slot_count - 1);
    while (slots[i] != NULL)
        i = (i + 1) & (slot_count - 1);
    slots[i] = entry;
}

static bool make_room(struct rule_index *index, struct arena *arena)
{
    struct rule_index larger = *index;
    if (index->slots != NULL && 2 * (index->count + 1) <= index->slot_count)
        return true;
    larger.slot_count = index->slot_count == 0 ? 16 : 2 * index->slot_count;
    larger.slots = arena_alloc(arena, larger.slot_count * sizeof(struct rule_entry *));
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; index->slots != NULL && i < index->slot_count; i++) {
        if (index->slots[i] != NULL)
            put(larger.slots, larger.slot_count, index->slots[i]);
    }
    *index = larger;
    return true;
}

static struct rule_entry *insert(struct rule_index *index, struct arena *arena, const struct key *key,
                                 const char *text, void *rule)
{
    struct rule_entry *entry = arena_alloc(arena, sizeof *entry);
    if (entry == NULL || !make_room(index, arena))
        return NULL;
    *entry = (struct rule_entry){
        .text = text,
        .rule = rule,
        .hash = hash_key(key),
        .port = key->port,
        .length = (uint8_t)key->length,
        .kind = (uint8_t)key->kind,
        .group = key->group,
    };
    put(index->slots, index->slot_count, entry);
    index->count++;
    index->present |= presence(key);
    return entry;
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
    struct rule_entry *entry = lookup(index, &key);
    if (entry != NULL) {
        *existing = entry->rule;
        return RULE_INDEX_EXISTS;
    }
    const char *text = arena_text(arena, domain->text, domain->length);
    if (text == NULL)
        return RULE_INDEX_NO_MEMORY;
    entry = insert(index, arena, &key, text, rule);
    if (entry == NULL)
        return RULE_INDEX_NO_MEMORY;
    if (domain->port == 0)
        return RULE_INDEX_ADDED;

    key.port = 0;
    key.group = true;
    struct rule_entry *group = lookup(index, &key);
    if (group == NULL)
        group = insert(index, arena, &key, text, NULL);
    if (group == NULL)
        return RULE_INDEX_NO_MEMORY;
    entry->next_port = group->next_port;
    group->next_port = entry;
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

/* Asks for one text: with the port first, then without. With `group`: for its rules of all ports. */
static bool ask(const struct rule_index *index, struct key *key, uint16_t port, struct rule_match *match)
{
    struct rule_entry *entry = NULL;
    if (key->group) {
        entry = lookup(index, key);
        for (entry = entry == NULL ? NULL : entry->next_port; entry != NULL; entry = entry->next_port) {
            if (match->count < RULE_MATCH_MAX)
                match->rules[match->count++] = entry->rule;
        }
        return false; /* go on: the rules of every level count */
    }
    if (port != 0) {
        key->port = port;
        entry = lookup(index, key);
        key->port = 0;
    }
    if (entry == NULL)
        entry = lookup(index, key);
    if (entry != NULL)
        match->rules[match->count++] = entry->rule;
    return entry != NULL;
}

static bool walk(const struct rule_index *index, const struct domain *peer, const struct suffixes *suffixes,
                 uint16_t port, bool group, struct rule_match *match)
{
    struct key key = {.group = group};
    if (peer->kind != DOMAIN_ALL) {
        key.kind = peer->kind;
        key.text = peer->text;
        key.length = peer->length;
        key.text_hash = suffixes->whole;
        if (ask(index, &key, port, match))
            return true;
    }
    /* Suffixes were found from the end of the name, so the longest is the last. */
    for (size_t i = suffixes->count; i > 0; i--) {
        key.text = peer->text + suffixes->at[i - 1];
        key.length = peer->length - (size_t)suffixes->at[i - 1];
        key.text_hash = suffixes->hash[i - 1];
        if (i == suffixes->count) {
            key.kind = DOMAIN_ONE;
            if (ask(index, &key, port, match))
                return true;
        }
        key.kind = DOMAIN_MANY;
        if (ask(index, &key, port, match))
            return true;
    }
    key.kind = DOMAIN_ALL;
    key.text = "";
    key.length = 0;
    key.text_hash = HASH_SEED;
    return ask(index, &key, port, match);
}

void rule_index_find(const struct rule_index *index, const struct domain *peer, uint16_t port,
                     struct rule_match *match)
{
    struct suffixes suffixes;
    match->count = 0;
    match->port_unknown = false;
    if (index->count == 0)
        return;
    suffixes.count = 0;
    if (peer->kind == DOMAIN_NAME)
        find_suffixes(peer, &suffixes);
    else
        suffixes.whole = hash_text(peer->text, peer->length);
    if (walk(index, peer, &suffixes, port, false, match) || port != 0)
        return;
    walk(index, peer, &suffixes, port, true, match);
    match->port_unknown = match->count > 0;
}
