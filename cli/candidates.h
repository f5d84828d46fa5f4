/* The client certificates that the rules of a policy name. */
#ifndef TLSGRAFT_CANDIDATES_H
#define TLSGRAFT_CANDIDATES_H

#include <stdbool.h>
#include <stdint.h>

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

/*
 * When the last certificate of a rule ends, in seconds of the epoch, from what can be presented of its
 * candidates. False: nothing can.
 */
bool candidates_last_end(const struct policy *policy, const struct ossl *ossl,
                         const struct upstream_rule *rule, int64_t *end);

#endif
