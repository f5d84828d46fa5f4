/* The peer of a connection, as far as it is known. Plain data: no owner, no threads. */
#ifndef TLSGRAFT_PEER_H
#define TLSGRAFT_PEER_H

#include <stdint.h>

#include "policy/domain.h"

/* SNI, and the name that the program verifies. */
#define PEER_NAMES_MAX 2

struct peer {
    /*
     * Distinct names (or addresses, where the name is one). None: `names[0]` is the address of the
     * connection, or DOMAIN_ALL if that is not known either.
     */
    struct domain names[PEER_NAMES_MAX];
    size_t name_count; /* 1..PEER_NAMES_MAX */
    const char *how;   /* how names[0] was found: "sni", "verify-name", "address", "none" */
    uint16_t port;     /* 0: not known */
    char address[64];  /* of the connection, as text; "" if not known */
};

#endif
