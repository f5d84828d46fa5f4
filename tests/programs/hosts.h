/*
 * The states that hosts.c runs handshakes in. Each makes `count` of them, and returns how many were as
 * expected.
 */
#ifndef TLSGRAFT_LAB_HOSTS_H
#define TLSGRAFT_LAB_HOSTS_H

#include "pair.h"

struct host {
    struct pair_world world;
    enum pair_expect expect;
    unsigned count;
    const char *folder;
};

typedef unsigned host_state(struct host *host);

/* hosts_threads.c */
host_state host_forks;
host_state host_vforks;
host_state host_small_stacks;
host_state host_signals_restart;
host_state host_signals_interrupt;

/* hosts_clients.c */
host_state host_clients;

/* hosts_confined.c */
host_state host_closes;
host_state host_closes_standard;
host_state host_no_standard_error;
host_state host_chroot;
host_state host_seccomp;
host_state host_limits;

/*
 * hosts_locks.c: fork(2) at a moment when no thread holds a lock of OpenSSL's, whose locks do not outlive a
 * fork; those of others may be held, and are held longer than usual. Between the two calls only.
 */
void locks_watch(bool on);
int locks_fork(void);

/*
 * Shakes hands on `threads` threads, each with its share of the handshakes, and with a stack of `stack` bytes
 * (0: as usual); `meanwhile` (NULL: nothing) on this thread. Returns how many were as expected.
 */
unsigned host_in_threads(struct host *host, unsigned threads, size_t stack, void (*meanwhile)(struct host *));

/* Exits with 3, and the reason of errno, where `done` is false. */
void host_needs(bool done, const char *what);

#endif
