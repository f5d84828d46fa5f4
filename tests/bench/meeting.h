/*
 * A TLS client and a TLS server in one process that exchange bytes through memory BIOs, so that what the
 * client does can be timed and counted without the server and without a socket.
 */
#ifndef BENCH_MEETING_H
#define BENCH_MEETING_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/allocations.h"

struct world_options {
    const char
        *folder;      /* root.pem, server.pem (its chain), server.key; client.pem, client.key where mutual */
    const char *name; /* of the server */
    int version;      /* TLS1_2_VERSION or TLS1_3_VERSION, and no other */
    bool fixed;       /* the random numbers of each handshake are the same, so that it costs the same */
    bool resume;      /* every handshake but the first resumes its session */
    bool mutual;      /* the server asks for a client certificate and refuses to go on without one */
    bool own;         /* the client has one of its own */
};

struct world {
    struct world_options options;
    SSL_CTX *client;
    SSL_CTX *server;
    SSL_SESSION *session;                 /* to resume; NULL: none yet */
    struct allocation_counts allocations; /* of all clients so far; 0 without the preload that counts */
};

/* The number of a version: `1.2`, else 1.3. */
int world_version(const char *word);

/* Ends the process where anything fails: a benchmark of something that does not work is of no use. */
void world_open(struct world *world, const struct world_options *options);
void world_close(struct world *world);

/*
 * One handshake, and the nanoseconds that the client took: the making of its SSL, its steps, and, where
 * `kept` is NULL, its end. Else *kept is the client's SSL, which the caller frees; the server is gone.
 */
uint64_t world_meet(struct world *world, SSL **kept);

/*
 * CPU that the thread has used. A client that never waits needs no other clock, and what else the machine
 * does is not in it.
 */
uint64_t thread_nanoseconds(void);

#endif
