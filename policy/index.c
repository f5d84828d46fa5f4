#include <string.h>

#include "policy/index_table.h"

/*
 * A slot holds the number of an entry, and above it some bits of the hash: so one that is in use costs nearly
 * never a look at its entry unless that is the one. With 100,000 patterns the entries are in no cache, but
 * slots of four bytes are in the second one.
 */
#define NUMBER_BITS 24 /* a policy of 16 MiB has 11 million units at most: config/flatten.h */
#define NUMBER_MASK ((1u << NUMBER_BITS) - 1)

#define MEMORY_LINE 64 /* bytes; a wrong number costs time alone */

uint32_t rule_hash_text(const char *text, size_t length)
{
    struct rule_hash hash = RULE_HASH_NONE;
    while (length > 0)
        hash = rule_hash_byte(hash, text[--length]);
    return rule_hash_value(hash);
}

static uint32_t hash_key(const struct rule_key *key)
{
    uint32_t hash =
        key->text_hash ^ ((uint32_t)key->kind << 1 | key->group) * 0x9e3779b1u ^ key->port * 0x85ebca6bu;
    hash ^= hash >> 15;
    hash *= 0x2c1b3c6du;
    return hash ^ hash >> 13;
}

static bool is_same(const struct rule_entry *entry, const struct rule_key *key)
{
    return entry->kind == key->kind && entry->group == key->group && entry->length == key->length &&
           rule_entry_port(entry) == key->port && memcmp(entry->text, key->text, key->length) == 0;
}

bool rule_index_has_kind(const struct rule_index *index, enum domain_kind kind)
{
    unsigned of_kind = rule_key_presence(&(struct rule_key){.kind = kind}) |
                       rule_key_presence(&(struct rule_key){.kind = kind, .group = true});
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
        groups |= rule_key_presence(&(struct rule_key){.kind = kind, .group = true});
    return (index->present & groups) != 0;
}

static uint32_t slot_of(uint32_t number, uint32_t hash)
{
    return (hash & ~NUMBER_MASK) | number;
}

struct rule_entry *rule_slot_entry(const struct rule_index *index, size_t slot)
{
    uint32_t number = index->slots[slot] & NUMBER_MASK;
    return number == 0 ? NULL : rule_entry_at(index, number);
}

/* The slot of a key, or the free one where it belongs; there is one: see make_room(). */
static uint32_t *find_slot(const struct rule_index *index, const struct rule_key *key, uint32_t hash)
{
    for (size_t i = hash;; i++) {
        uint32_t *slot = &index->slots[i & (index->slot_count - 1)];
        if (*slot == 0 ||
            (((*slot ^ hash) & ~NUMBER_MASK) == 0 && is_same(rule_entry_at(index, *slot & NUMBER_MASK), key)))
            return slot;
    }
}

const struct rule_entry *rule_table_find(const struct rule_index *index, const struct rule_key *key)
{
    uint32_t number = *find_slot(index, key, hash_key(key)) & NUMBER_MASK;
    return number == 0 ? NULL : rule_entry_at(index, number);
}

/* There is a free slot: see make_room(). */
static void put(struct rule_index *index, const struct rule_entry *entry, uint32_t number)
{
    const struct rule_key key = {
        .text_hash = rule_hash_text(entry->text, entry->length),
        .kind = (enum domain_kind)entry->kind,
        .port = rule_entry_port(entry),
        .group = entry->group,
    };
    uint32_t hash = hash_key(&key);
    size_t i = hash & (index->slot_count - 1);
    while (index->slots[i] != 0)
        i = (i + 1) & (index->slot_count - 1);
    index->slots[i] = slot_of(number, hash);
}

/* For `more` entries. With half of the slots free a name without a rule takes longer, as the table outgrows
 * its cache. */
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
        if (index->slots[i] != 0)
            put(&larger, rule_slot_entry(index, i), index->slots[i] & NUMBER_MASK);
    }
    *index = larger;
    return true;
}

/*
 * A block of `units`; the first (`old`) grows as it is needed, for there may be 100,000 sections, each with
 * one rule. The others begin at a line of memory, so that of entries of half a line each none needs two.
 * NULL: memory is short.
 */
static union rule_unit *make_block(struct arena *arena, size_t block, union rule_unit *old, size_t units)
{
    if (block == 0)
        return arena_grow(arena, old, units * sizeof *old);
    if (old != NULL)
        return old;
    uintptr_t made =
        (uintptr_t)arena_grow(arena, NULL, BLOCK_UNITS * sizeof *old + MEMORY_LINE - sizeof *old);
    return (union rule_unit *)((made + MEMORY_LINE - 1) & ~(uintptr_t)(MEMORY_LINE - 1));
}

/* The number of the first of `units` next to each other; 0: memory is short. */
static uint32_t allocate(struct rule_index *index, struct arena *arena, size_t units)
{
    size_t used = index->units_used == 0 ? 1 : index->units_used; /* no entry has the number 0 */
    if (used % BLOCK_UNITS + units > BLOCK_UNITS)
        used += BLOCK_UNITS - used % BLOCK_UNITS;
    if (used + units > NUMBER_MASK)
        return 0;
    size_t block = used / BLOCK_UNITS;
    if (block == index->block_count) {
        union rule_unit **blocks = arena_grow(arena, index->blocks, (block + 1) * sizeof(union rule_unit *));
        if (blocks == NULL)
            return 0;
        index->blocks = blocks;
        blocks[index->block_count++] = NULL;
    }
    union rule_unit *made = make_block(arena, block, index->blocks[block], used % BLOCK_UNITS + units);
    if (made == NULL)
        return 0;
    index->blocks[block] = made;
    index->units_used = used + units;
    return (uint32_t)used;
}

/* The number of a new entry; 0: memory is short. */
static uint32_t add_entry(struct rule_index *index, struct arena *arena, const struct rule_key *key,
                          void *rule)
{
    bool linked = key->group || key->port != 0;
    size_t bytes = offsetof(struct rule_entry, text) + key->length;
    size_t units = (bytes + sizeof(union rule_unit) - 1) / sizeof(union rule_unit);
    uint32_t number = allocate(index, arena, units + linked);
    if (number == 0)
        return 0;
    number += linked;
    struct rule_entry *entry = rule_entry_at(index, number);
    entry->rule = rule;
    entry->length = (uint8_t)key->length;
    entry->kind = (unsigned)key->kind & 0x3fU;
    entry->group = key->group;
    entry->linked = linked;
    if (linked)
        *rule_link_of(entry) = (struct rule_link){.port = key->port};
    memcpy(entry->text, key->text, key->length);
    return number;
}

/* The number of the entry for a key, `*is_new` where it was made now. 0: memory is short. */
static uint32_t enter(struct rule_index *index, struct arena *arena, const struct rule_key *key, void *rule,
                      bool *is_new)
{
    uint32_t hash = hash_key(key);
    if (!make_room(index, arena, 1))
        return 0;
    uint32_t *slot = find_slot(index, key, hash);
    *is_new = *slot == 0;
    if (!*is_new)
        return *slot & NUMBER_MASK;
    uint32_t number = add_entry(index, arena, key, rule);
    if (number == 0)
        return 0;
    *slot = slot_of(number, hash);
    index->count++;
    index->present |= rule_key_presence(key);
    return number;
}

bool rule_index_reserve(struct rule_index *index, struct arena *arena, size_t count)
{
    return make_room(index, arena, count);
}

enum rule_index_result rule_index_add(struct rule_index *index, struct arena *arena,
                                      const struct domain *domain, void *rule, void **existing)
{
    struct rule_key key = {
        .text = domain->text,
        .length = domain->length,
        .text_hash = rule_hash_text(domain->text, domain->length),
        .kind = domain->kind,
        .port = domain->port,
    };
    bool is_new;
    uint32_t added = enter(index, arena, &key, rule, &is_new);
    if (added == 0)
        return RULE_INDEX_NO_MEMORY;
    if (!is_new) {
        *existing = rule_entry_at(index, added)->rule;
        return RULE_INDEX_EXISTS;
    }
    if (domain->port == 0)
        return RULE_INDEX_ADDED;

    key.port = 0;
    key.group = true;
    uint32_t group = enter(index, arena, &key, NULL, &is_new);
    if (group == 0)
        return RULE_INDEX_NO_MEMORY;
    struct rule_link *first = rule_link_of(rule_entry_at(index, group));
    rule_link_of(rule_entry_at(index, added))->next = first->next;
    first->next = added;
    return RULE_INDEX_ADDED;
}
