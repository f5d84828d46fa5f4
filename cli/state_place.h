/* Can the state directory be used? What policy/cooldown_directory.c asks of it, without making anything. */
#ifndef TLSGRAFT_STATE_PLACE_H
#define TLSGRAFT_STATE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* True: by this user; or it could be made. Else `why` is `WHAT: WHY; WHAT TO DO`, not escaped. */
bool state_place_takes(const char *path, char *why, size_t size);

#endif
