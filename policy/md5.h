/*
 * MD5 (RFC 1321), for one thing: the key by which the traditional PEM encryption of a record is done. Of our
 * own, because OpenSSL's is not always there, and some builds end the process that calls it in FIPS mode.
 *
 * Allocates nothing, cannot fail. One struct is used by one thread.
 */
#ifndef TLSGRAFT_MD5_H
#define TLSGRAFT_MD5_H

#include <stddef.h>
#include <stdint.h>

enum { MD5_BYTES = 16, MD5_BLOCK = 64 };

/* On the caller's stack, who wipes it where what was hashed is secret. */
struct md5 {
    uint32_t state[4];
    uint64_t length; /* bytes so far */
    unsigned char block[MD5_BLOCK];
    uint32_t words[MD5_BLOCK / 4]; /* of the block that was taken in last */
};

void md5_begin(struct md5 *md5);
void md5_add(struct md5 *md5, const void *data, size_t length);
void md5_end(struct md5 *md5, unsigned char digest[MD5_BYTES]);

#endif
