/* What a text shows of itself, without OpenSSL, that is to hold public keys or certificates in PEM. */
#ifndef TLSGRAFT_CONFIG_PEM_H
#define TLSGRAFT_CONFIG_PEM_H

#include <stddef.h>

#include "policy/arena.h"

/*
 * NULL: nothing is wrong, as far as can be seen. Else `what was found; what is allowed`, in the arena or
 * static, with the command that makes it of the file `path` (NULL: it is not in a file of its own). `text` of
 * `length` bytes ends with a NUL beyond these.
 */
const char *pem_fault(struct arena *arena, const char *text, size_t length, const char *path);

/*
 * `words`, and the command line that makes PEM of the file `path` (NULL: it is in no file of its own), safe
 * to be given to a shell. `command` is without the names of files. In the arena; NULL: memory is short.
 */
const char *pem_made_by(struct arena *arena, const char *words, const char *command, const char *path);

#endif
