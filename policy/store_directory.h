/* What the parts of the directory store share: the names of its files. */
#ifndef TLSGRAFT_STORE_DIRECTORY_H
#define TLSGRAFT_STORE_DIRECTORY_H

#include <limits.h>

#include "policy/store_kind.h"

#define STORE_FILE_SUFFIX ".pem"

/* The file of a record. False: it has no path that the system takes; `why` tells. */
bool store_file_path(const struct store_settings *store, const char *id, char path[PATH_MAX], char *why);

/*
 * What is wrong with the path of the store, if it is there and no directory: a half sentence of static
 * duration. NULL: nothing, as far as can be seen. Leaves errno as it was.
 */
const char *store_place_fault(const struct store_settings *store);

#define STORE_RECORD_IS_DIRECTORY "%s" STORE_FILE_SUFFIX " is a directory; remove it, or move it away"

/* Reads a record. `text` is zeroed, and the caller's afterwards. */
enum store_result store_file_read(const struct store_settings *store, const char *id, struct store_text *text,
                                  char *why);

enum store_result store_directory_list(const struct store_settings *store, const char *organisation,
                                       bool (*visit)(void *context, const struct store_listed *listed),
                                       void *context, char *why);

#endif
