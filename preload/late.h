/*
 * The libssls whose births go past the interposed CRYPTO_new_ex_data: those in the executable itself, which
 * call their own, and those that were loaded with RTLD_DEEPBIND, which are bound to their own libcrypto.
 * Their libcrypto is asked to tell of each SSL_CTX, as soon as we hear of them: at the start of the process,
 * or when somebody calls dlsym(3), as whoever has loaded something must to use it.
 */
#ifndef TLSGRAFT_LATE_H
#define TLSGRAFT_LATE_H

#include <stdbool.h>

/*
 * By the constructor, once, before main: asks the libcryptos of the executable and of what it is linked with.
 * Until then late_look() looks at nothing. Returns whether the program was started with a libssl.
 */
bool late_start(void);

/*
 * What late_dlsym.S asks before it jumps: looks at what was loaded since the last call, and returns the real
 * dlsym, NULL where there is none. Leaves errno as it was. Threads: any; waits for nothing but the loader's
 * lock, which dlsym(3) takes too.
 */
void *late_look(void);

#endif
