/* What is right in a policy, and will do harm one day. */
#ifndef TLSGRAFT_WARNINGS_H
#define TLSGRAFT_WARNINGS_H

#include <time.h>

#include "cli/policy_file.h"

/*
 * Tells the user, on stderr, of rules with one key only, and of what expires soon (`warning_threshold_days`)
 * or has: pins, pinned certificates, client certificates. The policy is read. Rules that are not in force are
 * passed over.
 */
void warnings_tell(const struct policy_file *file, time_t now);

#endif
