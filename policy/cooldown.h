/*
 * Cooldowns that hold across processes: in the Redis of the store, else in the state directory, else in this
 * process's memory.
 *
 * Threads: any, and any number of processes at once. No lock is held while anything is waited for. The
 * handlers of fork(2) take cooldown_lock().
 */
#ifndef TLSGRAFT_COOLDOWN_H
#define TLSGRAFT_COOLDOWN_H

#include "policy/event.h"

enum cooldown_kind { COOLDOWN_CHECK, COOLDOWN_EXPIRED, COOLDOWN_EXPIRING_SOON };

/* What is asked for. */
struct cooldown {
    enum cooldown_kind kind;
    const unsigned char *fingerprint; /* SHA-256 of the certificate's DER */
    unsigned seconds;                 /* 0: there is none */
};

enum cooldown_place { COOLDOWN_NOWHERE, COOLDOWN_IN_MEMORY, COOLDOWN_IN_DIRECTORY, COOLDOWN_IN_REDIS };

/* One that was begun, and where others see it. The fingerprint is the caller's. */
struct cooldown_begun {
    struct cooldown cooldown;
    enum cooldown_place place;
    uint64_t mark; /* what the place knows it by */
};

/*
 * Begins a cooldown, unless it runs. True: it begins now, so what it holds back is done by the caller, and by
 * nobody else. `seconds` 0: true, and nothing is left anywhere.
 */
bool cooldown_begin(struct reporter *reporter, const struct policy *policy, const struct cooldown *cooldown,
                    struct records_wait *wait, struct cooldown_begun *begun);

/* What it holds back could not be done: ends it, so that the next one who asks tries. */
void cooldown_give_back(const struct policy *policy, const struct cooldown_begun *begun,
                        struct records_wait *wait);

/* Says, once in a process, that no other process sees this cooldown, and why, if that is so. */
void cooldown_say_if_alone(const struct reporter *reporter, const struct cooldown_begun *begun);

struct host_lock *cooldown_lock(void);

#endif
