/* Where the files of cooldowns stand, and how they are opened. Only for cooldown_directory.c. */
#ifndef TLSGRAFT_COOLDOWN_FILE_H
#define TLSGRAFT_COOLDOWN_FILE_H

#include "policy/cooldown_kind.h"

/*
 * Opens file `number` of the effective user in the state directory `path` to be read and written; directories
 * and file are made where they are missing. -1: it cannot be used, and `why` (COOLDOWN_WHY_SIZE bytes) tells.
 */
int cooldown_file_open(const char *path, unsigned number, char *why);

#endif
