/* RAND_METHOD is deprecated since OpenSSL 3.0, and is there in all. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/bench/fixed_random.h"

#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED UINT64_C(88172645463325252)
static uint64_t state = SEED;

/* xorshift64 (G. Marsaglia, 2003). */
static int give(unsigned char *bytes, int count)
{
    for (int i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (unsigned char)(state >> 32);
    }
    return 1;
}

static int ready(void)
{
    return 1;
}

void fixed_random_install(void)
{
    static const RAND_METHOD method = {.bytes = give, .pseudorand = give, .status = ready};
    if (RAND_set_rand_method(&method) != 1) {
        fprintf(stderr, "bench_handshake: OpenSSL takes no random numbers from here\n");
        exit(1);
    }
}

void fixed_random_restart(void)
{
    state = SEED;
}
