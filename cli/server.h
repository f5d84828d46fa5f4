/* What a TLS server shows of itself. */
#ifndef TLSGRAFT_SERVER_H
#define TLSGRAFT_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/crypto.h"
#include "cli/host.h"

struct server {
    const struct crypto *crypto;
    struct domain address; /* that answered */
    X509 *leaf;
    X509_STACK *sent;   /* all that it sent, the leaf first */
    bool finished;      /* the handshake is, so the server has proved the leaf's key */
    int version;        /* see SSL_version(3) */
    int security_level; /* of a program that sets none; the connection itself takes what it can get */
};

/*
 * Connects to `host`, whose port is known, within ten seconds, and takes its certificates. Nothing is
 * verified, and no certificate is sent: a server that insists on one still shows its own. `servername`: what
 * it is asked for (SNI); NULL: nothing. `crypto`, with libssl, must outlive the server.
 *
 * False: there are none, and `why` is `WHY; WHAT TO DO`. True, but not `finished`: `why` tells what came
 * after them. Free with server_close().
 */
bool server_open(struct server *server, const struct crypto *crypto, const struct host *host,
                 const char *servername, char *why, size_t size);

void server_close(struct server *server);

#endif
