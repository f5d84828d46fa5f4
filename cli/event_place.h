/* Can events be written where a policy wants them? */
#ifndef TLSGRAFT_EVENT_PLACE_H
#define TLSGRAFT_EVENT_PLACE_H

#include "policy/policy.h"

/*
 * Warns the user where `events.file` cannot take events: what it is, or that this user may not write it. The
 * programs may run as others, so only the latter is said of this user. Writes nothing.
 */
void event_place_check(const struct policy *policy);

#endif
