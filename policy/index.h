/*
 * The lookup of rules by the name of a peer: a hash table over patterns, so that a policy of a hundred
 * thousand rules answers as fast as one of ten.
 *
 * Order of precedence: name:port, name, `*.`:port, `*.`, `**.` by longest suffix (:port first), `*:port`,
 * `*`. Exactly one rule applies, whole, but where only rules for other ports match (see rule_match).
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

union rule_unit;

struct rule_index {
    uint32_t *slots; /* open addressing, a power of two, at most 4/5 full; NULL: empty */
    size_t slot_count;
    size_t count;
    union rule_unit **blocks; /* of entries; NULL: none */
    size_t block_count;
    size_t units_used; /* of all blocks, with what was left free at their ends */
    unsigned present;  /* a bit for each kind of key that is in the table */
};

/* What was found. It points into the index and to the peer's name. */
struct rule_match {
    const struct rule_index *index;
    const struct domain *peer;
    void *rule;            /* the one that applies, or the first of several; NULL: no rule */
    enum domain_kind kind; /* of its pattern */
    /*
     * Only rules for other ports than the peer's match, and whether the peer's port is really another one is
     * not known (the program moves the bytes itself, or speaks through a proxy). So all of them apply, and
     * any of their pins counts.
     */
    bool any_port;
};

enum rule_index_result { RULE_INDEX_ADDED, RULE_INDEX_EXISTS, RULE_INDEX_NO_MEMORY };

/* Makes room for `count` more patterns at once; tables that are outgrown stay in the arena. False: no memory.
 */
bool rule_index_reserve(struct rule_index *index, struct arena *arena, size_t count);

/* Makes `domain` lead to `rule`. RULE_INDEX_EXISTS: it leads to `*existing` already, which stays. */
enum rule_index_result rule_index_add(struct rule_index *index, struct arena *arena,
                                      const struct domain *domain, void *rule, void **existing);

/* Is any of the patterns of a kind? */
bool rule_index_has_kind(const struct rule_index *index, enum domain_kind kind);

/* Is any of its patterns an address, or `*`? */
bool rule_index_has_addresses(const struct rule_index *index);

/* Has any of the patterns a port? */
bool rule_index_has_port(const struct rule_index *index);

/*
 * The rules for `peer` (DOMAIN_NAME, DOMAIN_ADDRESS, or DOMAIN_ALL for a peer of which nothing is known) at
 * `port` (0: not known). `port_is_own`: the port is certain, and rules for other ports do not apply.
 * Allocates nothing.
 */
void rule_index_find(const struct rule_index *index, const struct domain *peer, uint16_t port,
                     bool port_is_own, struct rule_match *match);

/* Calls `visit` for each rule that applies, until it returns true. */
typedef bool rule_visit(void *rule, void *context);
void rule_match_each(const struct rule_match *match, rule_visit *visit, void *context);

/*
 * For explaining: calls `visit` for each pattern that matches `peer`, the most specific first, with the rule
 * that it leads to, until it returns true. Each: those for `port`, and those for any port (0: these alone);
 * the first is the one that rule_index_find() finds. Each port: those for some port, whichever it is.
 */
typedef bool pattern_visit(void *rule, const struct domain *pattern, void *context);
void rule_index_each(const struct rule_index *index, const struct domain *peer, uint16_t port,
                     pattern_visit *visit, void *context);
void rule_index_each_port(const struct rule_index *index, const struct domain *peer, pattern_visit *visit,
                          void *context);

/* Calls `visit` for every pattern, in no order, until it returns true. */
void rule_index_all(const struct rule_index *index, pattern_visit *visit, void *context);

#endif
