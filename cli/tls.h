/* Which TLS implementation a shared library is, by its name. */
#ifndef TLSGRAFT_TLS_H
#define TLSGRAFT_TLS_H

enum tls_kind {
    TLS_NONE,      /* no TLS library */
    TLS_GOVERNED,  /* libssl of OpenSSL 1.1.1 to 4.x */
    TLS_UNKNOWN,   /* a libssl whose name tells no line: its DT_SONAME may */
    TLS_OTHER,     /* what tlsgraft cannot govern */
    TLS_LINKED_IN, /* the same, in a library that is no TLS library by its name */
};

struct tls_library {
    enum tls_kind kind;
    const char *words;  /* "OpenSSL 3", "GnuTLS", ...; NULL for TLS_NONE */
    const char *advice; /* what to do instead; NULL for TLS_NONE and TLS_GOVERNED */
};

/* What to do where a program has nothing but a TLS of its own: for the end of a sentence. */
extern const char tls_advice_client[];

/* Of a library that has a TLS implementation linked in, and does not export an OpenSSL whole. */
extern const struct tls_library tls_linked_in;

/* The same where it does export it. */
extern const struct tls_library tls_exported;

/* `name` is a DT_NEEDED, a DT_SONAME or a path. */
struct tls_library tls_identify(const char *name);

#endif
