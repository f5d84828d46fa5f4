/*
 * The lookup of rules by the name of a peer: a hash table over patterns, so that a policy of a hundred
 * thousand rules answers as fast as one of ten.
 *
 * Order of precedence: name:port, name, `*.`:port, `*.`, `**.` by longest suffix (:port first), `*:port`,
 * `*`. Exactly one rule applies, whole, but where the port of the peer is not known (see rule_match).
 *
 * Owner: the arena that is passed to rule_index_add(). Threads: read-only once it is built.
 */
#ifndef TLSGRAFT_INDEX_H
#define TLSGRAFT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/arena.h"
#include "policy/domain.h"

struct rule_entry;

struct rule_index {
    struct rule_entry **slots; /* open addressing, a power of two, at most half full; NULL: empty */
    size_t slot_count;
    size_t count;
    unsigned present; /* a bit for each kind of key that is in the table */
};

#define RULE_MATCH_MAX 16

/* What was found. */
struct rule_match {
    void *rules[RULE_MATCH_MAX];
    size_t count; /* 0: no rule */
    /*
     * The port of the peer is not known, and only rules with a port match: `rules` are these (the first
     * RULE_MATCH_MAX of them), and any of their pins counts.
     */
    bool port_unknown;
};

enum rule_index_result { RULE_INDEX_ADDED, RULE_INDEX_EXISTS, RULE_INDEX_NO_MEMORY };

/* Makes `domain` lead to `rule`. RULE_INDEX_EXISTS: it leads to `*existing` already, which stays. */
enum rule_index_result rule_index_add(struct rule_index *index, struct arena *arena,
                                      const struct domain *domain, void *rule, void **existing);

/*
 * The rules for `peer` (DOMAIN_NAME, DOMAIN_ADDRESS, or DOMAIN_ALL for a peer of which nothing is known) at
 * `port` (0: not known). Allocates nothing.
 */
void rule_index_find(const struct rule_index *index, const struct domain *peer, uint16_t port,
                     struct rule_match *match);

#endif
