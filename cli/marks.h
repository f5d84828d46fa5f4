/*
 * What the bytes of a program give away where no library and no section does: a Go program whose sections
 * are stripped, a TLS implementation that is linked in (static OpenSSL, rustls, ...), and a libssl that it
 * may load later.
 */
#ifndef TLSGRAFT_MARKS_H
#define TLSGRAFT_MARKS_H

#include <stdbool.h>

enum { MARKS_NAME_SIZE = 48 };

struct marks {
    bool go;
    bool tls;                             /* an implementation of TLS is in the file itself */
    bool certain;                         /* no other kind of program holds the marks of it */
    char implementation[MARKS_NAME_SIZE]; /* "rustls", "OpenSSL 3.0.19", "which cannot be told" */
    char libssl[MARKS_NAME_SIZE];         /* "libssl.so.3", a name that it holds; empty: none */
};

/* Reads the whole file open as `fd`. False: it cannot be read, or memory is short; errno tells. */
bool marks_find(int fd, struct marks *marks);

/* The same for `tls` and `certain` alone, which takes less time. */
bool marks_find_tls(int fd, struct marks *marks);

#endif
