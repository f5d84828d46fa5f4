/*
 * What the resolver answered in this process: which addresses a name led to.
 *
 * Bounded: the names and addresses that were asked for longest ago are forgotten, and a name of which an
 * address was forgotten says no more than it knows. Nothing is allocated, and until something is remembered
 * no memory is touched. Threads: any. The lock is held for a walk over the tables only, and sane after
 * fork(2).
 */
#ifndef TLSGRAFT_ANSWERS_H
#define TLSGRAFT_ANSWERS_H

#include "policy/domain.h"
#include "policy/hostio.h"

/* An address in its canonical form, as in a struct domain. */
struct answer_address {
    char bytes[DOMAIN_ADDRESS_BYTES];
};

/* More addresses than these are not kept of one answer. */
#define ANSWERS_OF_ONE_MAX 32

/* Their lock, for fork(2). */
struct host_lock *answers_lock(void);

/* The addresses of one answer, on the stack of whoever asked. */
struct answer {
    size_t count;
    bool cut_off;                                        /* there were more */
    struct answer_address addresses[ANSWERS_OF_ONE_MAX]; /* distinct */
};

/* Adds an address, as it is reached; one that is neither IPv4 nor IPv6 is left out. */
struct sockaddr;
void answer_add(struct answer *answer, const struct sockaddr *address);

/* Remembers that `name` led to the addresses of `answer`. */
void answers_remember(const struct domain *name, const struct answer *answer);

/*
 * The program asks a resolver whose answers are not seen: from now on another name may have led to any
 * address. It stays so.
 */
void answers_are_not_all(void);

/* Does a name lead to an address? */
enum lead {
    LEAD_UNKNOWN, /* the name was not asked for here, or part of its answer is forgotten */
    LEAD_YES, /* also an address that is itself; and `localhost`, unless it was asked for, to the loopback */
    LEAD_NO,
};
enum lead answers_lead(const struct domain *name, const struct domain *address);

/*
 * The name that led to an address last. False: none did. `only`: no other name of which this process was told
 * can have led there, of those that are forgotten neither.
 */
bool answers_last_name(const struct domain *address, struct domain *name, bool *only);

#endif
