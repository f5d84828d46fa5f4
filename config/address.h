/* The `address` of a Redis store: `host:port`, `[IPv6 address]:port` or `unix:/path`. No state; thread-safe.
 */
#ifndef TLSGRAFT_CONFIG_ADDRESS_H
#define TLSGRAFT_CONFIG_ADDRESS_H

#include "policy/arena.h"
#include "policy/store.h"

/*
 * Checks `text`, and makes it the address of `store`, which keeps the pointer. What is an address already is
 * taken as it is; a name is left to address_resolve(). No network is asked. NULL: done. Else `what was found;
 * what is allowed`, in the arena or static.
 */
const char *address_read(struct arena *arena, const char *text, struct store_settings *store);

/*
 * Asks the resolver for the name in the address that address_read() has passed, for as long as the resolver
 * takes. Nothing is asked where there are addresses already, or the store is no Redis. NULL: there are
 * addresses now; else why not, static.
 */
const char *address_resolve(struct store_settings *store);

#endif
