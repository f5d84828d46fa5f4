/* The names that a program has verified, on every line of OpenSSL. */
#ifndef TLSGRAFT_VERIFYNAME_H
#define TLSGRAFT_VERIFYNAME_H

#include "preload/libssl.h"
#include "preload/params.h"

/*
 * Calls `visit` for each host name that is set for the verification of `ssl`, and for the address. Leaves
 * OpenSSL's error queue as it was. `visit` may do no more than look.
 */
void verifyname_each(const struct libssl *libssl, const SSL *ssl, params_visit *visit, void *context);

/* The same; the address may be left out. Allocates nothing. */
void verifyname_each_host(const struct libssl *libssl, const SSL *ssl, params_visit *visit, void *context);

#endif
