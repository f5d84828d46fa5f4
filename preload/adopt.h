/*
 * Connections whose SSL_CTX was made before its libcrypto was asked to tell of births (late.h): they are
 * found one by one, when their handshake begins, and again when the server's certificate was verified.
 *
 * Nothing is done to the SSL_CTX, which other threads may be using: the program's verify callback stays, and
 * the end of the handshake judges.
 *
 * Threads: any. An SSL is touched only by the thread that made it, or that shakes hands with it.
 */
#ifndef TLSGRAFT_ADOPT_H
#define TLSGRAFT_ADOPT_H

#include <stdbool.h>

#include "preload/libssl.h"

/* Asks the libcrypto of a libssl to tell what is needed to find them. False: memory is short. */
bool adopt_register(struct libssl *libssl);

#endif
