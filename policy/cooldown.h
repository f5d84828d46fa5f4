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

/*
 * Begins the cooldown of a certificate (SHA-256 of its DER), unless it runs. True: it begins now, so what it
 * holds back is done by the caller, and by nobody else. `seconds` 0: there is none; true, and nothing is left
 * anywhere.
 */
bool cooldown_begin(struct reporter *reporter, const struct policy *policy, enum cooldown_kind kind,
                    const unsigned char fingerprint[32], unsigned seconds, struct records_wait *wait);

struct host_lock *cooldown_lock(void);

#endif
