/*
 * Handshakes between an ordinary OpenSSL client and a server in the same thread, over a socketpair: thousands
 * of them in a second or two, in whatever state the process is.
 *
 * Threads: any number may shake hands in one world, each on a stack of its own.
 */
#ifndef TLSGRAFT_LAB_PAIR_H
#define TLSGRAFT_LAB_PAIR_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* Which servers the client must end up with. */
enum pair_expect {
    PAIR_PINNED,  /* the genuine one, and never the other */
    PAIR_NOBODY,  /* none: there is no valid policy */
    PAIR_ANYBODY, /* both: nothing is refused */
};

/* The word of a command line; exits with 2 where it is none. */
enum pair_expect pair_expect_of(const char *word);

/*
 * The contexts are freed by nobody: they live as long as the process. `armed` (NULL: none) is called with
 * true before each call that a client makes into OpenSSL and with false after it; not from several threads.
 */
struct pair_world {
    SSL_CTX *client;
    SSL_CTX *servers[2]; /* the genuine one, the other */
    void (*armed)(bool on);
    /* The name that handshake `number` asks for, static; NULL: wNUMBER.lab.example */
    const char *(*name)(unsigned number);
    /* Called, on any thread, with the server's end of each handshake that was accepted; NULL: nothing is */
    void (*met)(const SSL *server);
    bool higher; /* its sockets keep away from the numbers of the standard descriptors */
};

/* A context for clients, which trusts ca.pem of the folder. NULL: OpenSSL could not make it. */
SSL_CTX *pair_client(const char *folder);

/* The servers of genuine.pem and genuine.key, other.pem and other.key. Exits with 2 if it cannot be done. */
void pair_servers(struct pair_world *world, const char *folder);

/* All of it. */
void pair_open(struct pair_world *world, const char *folder);

/* Is the server of this number the genuine one? Every other number, and both with TLS 1.2 and 1.3. */
bool pair_is_genuine(unsigned number);

enum pair_outcome {
    PAIR_ACCEPTED, /* and data went both ways */
    PAIR_REFUSED,  /* and the server saw no application data */
    PAIR_WRONG,    /* neither: the text that came with it says what */
};

/*
 * Handshake `number`. `why` is set for PAIR_WRONG, and is
 * static. OpenSSL's error queue is empty before and after.
 */
enum pair_outcome pair_meet(struct pair_world *world, unsigned number, const char **why);

/* The same, compared with what is expected. NULL: as expected; else what was not, static. */
const char *pair_shake(struct pair_world *world, enum pair_expect expect, unsigned number);

/* Handshakes `from` to `to`-1; prints each surprise. Returns how many were as expected. */
unsigned pair_shake_many(struct pair_world *world, enum pair_expect expect, unsigned from, unsigned to);

#endif
