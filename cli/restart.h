/* Starting this command again, where our own library was preloaded into it. */
#ifndef TLSGRAFT_RESTART_H
#define TLSGRAFT_RESTART_H

#include <stdbool.h>

#include "cli/command.h"

/*
 * The library would govern the connections of this command too, which only looks at a server. Where it is in
 * LD_PRELOAD, the command is executed once more, without it: then this does not return. True: go on; false:
 * that could not be done, and the user has been told.
 */
bool restart_ungoverned(const struct invocation *invocation);

#endif
