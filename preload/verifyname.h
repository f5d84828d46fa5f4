/* The names that a program has verified, on every line of OpenSSL. */
#ifndef TLSGRAFT_VERIFYNAME_H
#define TLSGRAFT_VERIFYNAME_H

#include "preload/libssl.h"
#include "preload/params.h"

/*
 * Calls `visit` for each host name that is set for the verification of `ssl`; on 1.1.1 for the address too.
 * Allocates nothing. `visit` may do no more than look.
 */
void verifyname_each_host(const struct libssl *libssl, const SSL *ssl, params_visit *visit, void *context);

/* The same for the address, where the other one does not. Leaves OpenSSL's error queue as it was. */
void verifyname_address(const struct libssl *libssl, const SSL *ssl, params_visit *visit, void *context);

#endif
