/*
 * What full handshakes established: a resumed one verifies nothing, and the chain is not kept with a session.
 *
 * Bounded: the oldest makes room. What is not remembered counts as not established, and the handshake is a
 * full one. Threads: any.
 */
#ifndef TLSGRAFT_REMEMBERED_H
#define TLSGRAFT_REMEMBERED_H

#include <stdbool.h>
#include <stdint.h>

enum fact_kind {
    FACT_CHAIN,    /* the leaf has a verified chain with a key that the rule pins */
    FACT_VERIFIED, /* chain and name verify, as the rule requires */
};

struct fact {
    enum fact_kind kind;
    uint64_t policy;          /* the number of its snapshot */
    const void *rule;         /* of that policy; never followed */
    unsigned char digest[32]; /* SHA-256 of the name, where one was verified, and of the leaf's DER */
};

void remembered_add(const struct fact *fact);
bool remembered_has(const struct fact *fact);

#endif
