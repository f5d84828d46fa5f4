/* Can events be written where a policy wants them? */
#ifndef TLSGRAFT_EVENT_PLACE_H
#define TLSGRAFT_EVENT_PLACE_H

#include "policy/policy.h"

/*
 * Warns the user where `events.file` cannot take events (what it is, or that this user may not write it),
 * where the Redis of `events.redis_stream` does not answer, and where the state directory cannot be used, so
 * that events of expiry are raised by each process for itself. The programs may run as others, so of
 * permissions only those of this user are told. Writes nothing.
 */
void event_place_check(const struct policy *policy);

#endif
