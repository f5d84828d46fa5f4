/*
 * Names of peers, and the patterns that policy files write for them.
 *
 * A name is compared in its canonical form: ASCII lower case, without a final dot. An address is compared
 * as the 16 bytes of an IPv6 address, an IPv4 address as its IPv4-mapped form (RFC 4291, section 2.5.5.2).
 * No function keeps state; all are thread-safe.
 */
#ifndef TLSGRAFT_DOMAIN_H
#define TLSGRAFT_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOMAIN_NAME_MAX      253 /* RFC 1035, section 2.3.4, as text */
#define DOMAIN_ADDRESS_BYTES 16

/* In the order in which rules apply: the most specific first. */
enum domain_kind {
    DOMAIN_NAME,    /* `example.com` */
    DOMAIN_ADDRESS, /* `10.0.0.5`, `[2001:db8::1]` */
    DOMAIN_ONE,     /* `*.example.com`: exactly one label more */
    DOMAIN_MANY,    /* `**.example.com`: one or more labels more */
    DOMAIN_ALL,     /* `*` */
};

/* A pattern. `text` is the name, the suffix behind `*.`, or the bytes of the address. */
struct domain {
    enum domain_kind kind;
    uint16_t port; /* 0: any */
    uint8_t length;
    char text[DOMAIN_NAME_MAX + 1];
};

/*
 * Reads a pattern. False: it is none, and `why` (of `size` bytes) tells what was found and what is allowed,
 * without the name of the setting.
 */
bool domain_parse(const char *pattern, struct domain *domain, char *why, size_t size);

/*
 * Brings what a program calls its peer into canonical form: an address (with or without brackets, and a final
 * dot) becomes DOMAIN_ADDRESS, anything else DOMAIN_NAME, whatever characters it has. Never fails for a text
 * of up to DOMAIN_NAME_MAX + 1 characters; false for a longer or an empty one.
 */
bool domain_from_peer(const char *peer, struct domain *domain);

/* The canonical address of a `struct sockaddr`; false if the family is neither AF_INET nor AF_INET6. */
struct sockaddr;
bool domain_from_sockaddr(const struct sockaddr *address, struct domain *domain, uint16_t *port);

/*
 * The address that a connection to `address` reaches: connect(2) to the unspecified address, 0.0.0.0 or ::,
 * goes to the loopback address.
 */
void domain_as_reached(struct domain *address);

/* A hash (FNV-1a) of its name, or address, without the port. */
uint32_t domain_hash(const struct domain *domain);

#define DOMAIN_TEXT_SIZE (DOMAIN_NAME_MAX + 16)

/* As a person would write it, NUL-terminated; the port (`:443`) when `domain->port` is not 0. */
void domain_format(const struct domain *domain, char text[DOMAIN_TEXT_SIZE]);

#endif
