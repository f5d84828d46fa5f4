/* What is right in a policy, and will do harm one day. */
#ifndef TLSGRAFT_WARNINGS_H
#define TLSGRAFT_WARNINGS_H

#include <time.h>

#include "policy/policy.h"

/*
 * Tells the user, on stderr, of rules with one key only, and of keys and pinned certificates that expire soon
 * or have expired. The policy is resolved. Rules that are not in force are passed over.
 */
void warnings_tell(const struct policy *policy, time_t now);

#endif
