/*
 * The expiry monitor: certificates that are used in a handshake and expire soon, or have. Each is told of
 * once in `event_cooldown_seconds`, by whichever process comes first; policy/cooldown.h knows of the others.
 *
 * Threads: any. A certificate that is far from its end costs no more than reading its notAfter: no lock, no
 * hash, no input and output.
 */
#ifndef TLSGRAFT_MONITOR_H
#define TLSGRAFT_MONITOR_H

#include "policy/event.h"

enum certificate_role { CERTIFICATE_UPSTREAM, CERTIFICATE_SERVER };

/* All of it is the caller's. What is NULL, 0 or empty is left out of the event. */
struct monitored {
    const struct ossl *ossl;
    X509 *certificate;
    enum certificate_role role;
    const char *domain;
    uint16_t port;
    const char *peer_address;
};

/*
 * Is there anything to tell of a certificate, if no cooldown runs? No lock, no input and output: so that a
 * caller finds out who the peer is only then. errno and OpenSSL's error queue stay as they were.
 */
bool monitor_is_needed(const struct policy *policy, const struct ossl *ossl, const X509 *certificate);

/* The same, of one whose notAfter is known (seconds of the epoch); asks nothing of OpenSSL. */
bool monitor_is_needed_for(const struct policy *policy, int64_t not_after);

/*
 * Checks a certificate, and raises the event. What it waits for, it waits within `wait`. It never fails its
 * caller; errno and OpenSSL's error queue stay as they were.
 */
void monitor_check(struct reporter *reporter, const struct policy *policy, const struct monitored *monitored,
                   struct records_wait *wait);

#endif
