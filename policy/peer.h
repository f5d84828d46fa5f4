/* The peer of a connection, as far as it is known. Plain data: no owner, no threads. */
#ifndef TLSGRAFT_PEER_H
#define TLSGRAFT_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/domain.h"

/* How a name was found. */
enum peer_how {
    PEER_HOW_NONE,        /* nothing is known: the name is DOMAIN_ALL */
    PEER_HOW_ADDRESS,     /* the address of the connection */
    PEER_HOW_RESOLVER,    /* what the resolver last gave that address for: a guess */
    PEER_HOW_BIO,         /* the host that a connect BIO was told */
    PEER_HOW_VERIFY_NAME, /* the program has it verified */
    PEER_HOW_SNI,
};

/* The word for it in the log: "sni", "verify-name", "bio", "resolver", "address", "none". */
const char *peer_how_name(enum peer_how how);

struct peer_name {
    struct domain domain;
    enum peer_how how;
};

/* SNI and names that the program verifies; or a guess and the address. */
#define PEER_NAMES_MAX 8

struct peer {
    struct peer_name names[PEER_NAMES_MAX]; /* distinct */
    size_t name_count;                      /* 1..PEER_NAMES_MAX */
    bool names_left_out; /* there are more: one did not fit in, or is longer than any rule's domain */
    uint16_t port;       /* 0: not known */
    /*
     * The port is the name's own for sure: the program connected to an address that the name resolved to (or
     * that is the name). Else it may be a proxy's, and rules for other ports count too.
     */
    bool port_is_own;
    /*
     * The server sent something before the ClientHello, so the address may be that of a proxy which answered
     * CONNECT, and a guess its name. Looked at only where rules ask.
     */
    bool may_be_proxy;
    /*
     * The address or the port were concluded from the connections of the process, for OpenSSL has no socket,
     * and others of these may be meant. Pins take them as they are; for client certificates they are not
     * sure.
     */
    bool is_concluded;
    /* A name that the resolver gave (names[0]) is the only one that can have led to the address. */
    bool guess_is_only;
    bool is_verified; /* the program has OpenSSL verify names[] itself, or some of them */
    char address[64]; /* of the connection, as text; "" if not known */
};

/* Is its name known for sure: not an address alone, and not what the resolver gave it for? */
static inline bool peer_is_named(const struct peer *peer)
{
    return peer->names[0].how > PEER_HOW_RESOLVER;
}

#endif
