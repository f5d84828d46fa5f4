/* Does an executable with OpenSSL linked in export it, so that tlsgraft can govern it? */
#ifndef TLSGRAFT_EXPORTED_H
#define TLSGRAFT_EXPORTED_H

#include <stdbool.h>

enum exported {
    EXPORTED_NONE,   /* no libssl is among its dynamic symbols */
    EXPORTED_PARTLY, /* one is, but not all that is needed to govern it */
    EXPORTED_ALL,
    EXPORTED_FAILED, /* memory is short, or it cannot be read */
};

/*
 * Looks at the dynamic symbols of the ELF file open as `fd`, which may be hostile. `missing` is set for
 * EXPORTED_PARTLY: the name of a function that is not there, of static duration.
 */
enum exported exported_find(int fd, const char **missing);

#endif
