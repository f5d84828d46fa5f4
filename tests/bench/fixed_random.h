/*
 * Random numbers that are the same in each handshake. The work of a handshake depends a little on them; where
 * instructions are counted they would hide differences of a few thousandths. Never for anything but that.
 */
#ifndef BENCH_FIXED_RANDOM_H
#define BENCH_FIXED_RANDOM_H

/* From now on OpenSSL takes its random numbers here. One thread. */
void fixed_random_install(void);

/* The next number is the first one again. */
void fixed_random_restart(void);

#endif
