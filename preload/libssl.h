/*
 * The libssls of this process. Each has its own table of functions, for two lines of OpenSSL can live in
 * one process.
 *
 * Threads: any. A libssl is published once and never changes or goes; it pins itself in memory (1.1.1 and
 * later, unless built with no-pinshared).
 */
#ifndef TLSGRAFT_LIBSSL_H
#define TLSGRAFT_LIBSSL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/openssl.h"

#define LIBSSL_MAX 4

struct libssl {
    uintptr_t low, high; /* its addresses */
    unsigned number;     /* 0..LIBSSL_MAX-1 */
    bool governed;       /* the table is complete, and it is OpenSSL 1.1.1 to 4.x */
    char why[128];       /* not governed: what it is */
    struct ossl fn;
    /*
     * Where ex_data keeps a struct context of an SSL_CTX (upper half) and a struct connection of an SSL
     * (lower half). 0: not registered yet.
     */
    _Atomic(uint64_t) indices;
    atomic_bool has_info;  /* see libssl_note_info() */
    atomic_bool watched;   /* its libcrypto tells us of births, or it was said that nobody does */
    ossl_info_cb *on_info; /* the notice of start and done, bound to this libssl */
};

/* The libssl whose code holds `address`, made known if it is new. NULL: no libssl, or one too many. */
struct libssl *libssl_at(const void *address);

/* The one among those known whose code holds `address`; NULL: none. Never searches. */
struct libssl *libssl_known_at(const void *address);

/* Does another libssl that is watched use the same libcrypto? */
bool libssl_shares_watch(const struct libssl *libssl);

/* The only libssl, where there is one; else NULL. And how many there are. */
struct libssl *libssl_only(void);
unsigned libssl_count(void);

/*
 * Registers what a governed libssl needs before its first SSL_CTX is changed. False: memory is short.
 */
bool libssl_prepare(struct libssl *libssl);

/* A program has set an info callback (NULL: none) for an SSL_CTX or an SSL. */
static inline void libssl_note_info(struct libssl *libssl, ossl_info_cb *callback)
{
    if (callback != NULL)
        atomic_store_explicit(&libssl->has_info, true, memory_order_release);
}

static inline bool libssl_has_info(const struct libssl *libssl)
{
    return atomic_load_explicit(&libssl->has_info, memory_order_acquire);
}

static inline bool libssl_is_prepared(const struct libssl *libssl)
{
    return atomic_load_explicit(&libssl->indices, memory_order_acquire) != 0;
}

static inline int libssl_context_index(const struct libssl *libssl)
{
    return (int)(atomic_load_explicit(&libssl->indices, memory_order_acquire) >> 32);
}

static inline int libssl_connection_index(const struct libssl *libssl)
{
    return (int)(atomic_load_explicit(&libssl->indices, memory_order_acquire) & UINT32_MAX);
}

#endif
