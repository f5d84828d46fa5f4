/* HOST[:PORT] as a user writes it. Plain data: no owner, no threads. */
#ifndef TLSGRAFT_HOST_H
#define TLSGRAFT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/domain.h"

struct host {
    char name[DOMAIN_NAME_MAX + 2]; /* a name, or an address without brackets */
    bool is_address;
    uint16_t port; /* 0: not given */
};

/*
 * Reads a name, an address (of IPv6 in brackets), and a port behind them. False: it is none, and
 * `why` tells what was found and what to give instead.
 */
bool host_parse(const char *text, struct host *host, char *why, size_t size);

/* Could this be the name of a host? Else as above. */
bool host_check_name(const char *name, char *why, size_t size);

enum { HOST_LABEL_SIZE = DOMAIN_NAME_MAX + 16 };

/* NAME:PORT or [ADDRESS]:PORT; without the port where it is 0. */
void host_format(const struct host *host, char label[HOST_LABEL_SIZE]);

#endif
