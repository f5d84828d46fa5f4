/*
 * What the bytes of a program give away where no library and no section does: a Go program whose sections
 * are stripped, and a TLS implementation that is linked in (static OpenSSL, rustls, ...).
 */
#ifndef TLSGRAFT_MARKS_H
#define TLSGRAFT_MARKS_H

#include <stdbool.h>

struct marks {
    bool go;
    bool tls; /* an implementation of TLS 1.3 is in the file itself */
};

/* Reads the whole file open as `fd`. False: it cannot be read, or memory is short; errno tells. */
bool marks_find(int fd, struct marks *marks);

#endif
