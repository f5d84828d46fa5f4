/* The client certificates that the rules of a policy name. */
#ifndef TLSGRAFT_CANDIDATES_H
#define TLSGRAFT_CANDIDATES_H

#include <stdbool.h>

#include "policy/openssl.h"
#include "policy/policy.h"

/*
 * Makes a client certificate of every candidate of the rules that count, as a handshake would: records must
 * have been read before (cli/ids.h). `say` is told of each that cannot be presented (`FILE:LINE: certificate:
 * ...`), but not of files that could not be read, of which config_load() has told. `store_failed`: that the
 * store does not answer has been told already; else that is told of the first candidate.
 */
void candidates_check(const struct policy *policy, const struct ossl *ossl, bool store_failed,
                      void (*say)(void *context, bool store_failed, const char *text), void *context);

#endif
