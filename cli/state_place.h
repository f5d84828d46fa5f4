/* Can the state directory be used? What policy/cooldown_file.c asks of it, without making anything. */
#ifndef TLSGRAFT_STATE_PLACE_H
#define TLSGRAFT_STATE_PLACE_H

#include <stdbool.h>

#include "policy/state_directory.h"

/* True: by this user; or it could be made. Else `why` (STATE_DIRECTORY_WHY_SIZE bytes) tells. */
bool state_place_takes(const char *path, char *why);

#endif
