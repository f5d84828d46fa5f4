/*
 * Which libssl an SSL or SSL_CTX belongs to, where a process has more than one: recorded at its birth, for
 * the return address of a hooked call may lie (a libssl leaves some functions by a jump).
 *
 * Threads: any. With one libssl in the process nothing is recorded.
 */
#ifndef TLSGRAFT_OBJECTS_H
#define TLSGRAFT_OBJECTS_H

#include <stdbool.h>

#include "preload/libssl.h"

/* Records an object; false: memory is short. */
bool objects_remember(const void *object, struct libssl *libssl);
void objects_forget(const void *object);

/*
 * The libssl of an object that was passed to the hook named `function` by the code at `caller`. NULL: it
 * belongs to none that is known.
 */
struct libssl *objects_libssl(const void *object, const char *function, const void *caller);

#endif
