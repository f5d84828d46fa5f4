/*
 * What the two parts of an index share: its table (policy/index.c), and the walks through it by which a
 * peer's rules are found (policy/index_find.c). For what is not said here see policy/index.h.
 */
#ifndef TLSGRAFT_INDEX_TABLE_H
#define TLSGRAFT_INDEX_TABLE_H

#include "policy/index.h"

/*
 * Every pattern is one entry. A pattern with a port is also chained to a second entry for the same text,
 * its `group`, through which the rules for all ports are found when the peer's port is not known.
 *
 * With 100,000 patterns what a lookup waits for is memory, so an entry holds all that is compared and no
 * more: what only some have stands before it.
 */
struct rule_entry {
    void *rule; /* NULL for a group */
    uint8_t length;
    uint8_t kind : 6;
    bool group : 1;
    bool linked : 1; /* it has a port, or is a group: a struct rule_link stands in the unit before it */
    char text[];
};

struct rule_link {
    uint32_t next; /* of a group: its first pattern; of a pattern: the next of its group. 0: none */
    uint16_t port; /* 0 for a group */
};

/*
 * Entries lie in blocks, each at the beginning of a unit; their number is that of the unit. Blocks are
 * large, so that entries share pages, and the list of blocks is short.
 */
#define BLOCK_UNITS 8192
union rule_unit {
    void *align;
    struct rule_link link;
    unsigned char bytes[8];
};

/* Of an entry that is `linked`. */
static inline struct rule_link *rule_link_of(const struct rule_entry *entry)
{
    return &((union rule_unit *)entry - 1)->link;
}

static inline uint16_t rule_entry_port(const struct rule_entry *entry)
{
    return entry->linked ? rule_link_of(entry)->port : 0;
}

static inline struct rule_entry *rule_entry_at(const struct rule_index *index, uint32_t number)
{
    return (struct rule_entry *)&index->blocks[number / BLOCK_UNITS][number % BLOCK_UNITS];
}

/* The entry in a slot; NULL: the slot is free. */
struct rule_entry *rule_slot_entry(const struct rule_index *index, size_t slot);

/* What an entry is looked up by. */
struct rule_key {
    const char *text;
    size_t length;
    uint32_t text_hash;
    enum domain_kind kind;
    uint16_t port;
    bool group;
};

/*
 * Two hashes (FNV-1a) of every other byte each, from the last byte to the first: then the hash of each suffix
 * of a name is a by-product of hashing the name. Two, because each step waits for the one before it. The
 * policy file is trusted (its owner is root or this user), so no secret key is needed.
 */
struct rule_hash {
    uint32_t next; /* of the two the one that the next byte goes into */
    uint32_t other;
};
#define RULE_HASH_NONE ((struct rule_hash){2166136261u, 2166136261u}) /* of no bytes */

static inline struct rule_hash rule_hash_byte(struct rule_hash hash, char byte)
{
    return (struct rule_hash){hash.other, (hash.next ^ (unsigned char)byte) * 16777619u};
}

static inline uint32_t rule_hash_value(struct rule_hash hash)
{
    return hash.other ^ hash.next * 0x9e3779b1u;
}

uint32_t rule_hash_text(const char *text, size_t length);

/* The bit of its kind in rule_index.present. */
static inline unsigned rule_key_presence(const struct rule_key *key)
{
    return 1u << (3 * (unsigned)key->kind + (key->group ? 2 : key->port != 0));
}

/* Not for a table in which nothing is present. */
const struct rule_entry *rule_table_find(const struct rule_index *index, const struct rule_key *key);

/* NULL: there is none. */
static inline const struct rule_entry *rule_table_lookup(const struct rule_index *index,
                                                         const struct rule_key *key)
{
    return (index->present & rule_key_presence(key)) == 0 ? NULL : rule_table_find(index, key);
}

#endif
