#include "policy/cooldown.h"

#include <stdatomic.h>
#include <time.h>

#include "policy/cooldown_kind.h"
#include "policy/hostio.h"
#include "policy/records.h"

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *cooldown_name(enum cooldown_kind kind)
{
    static const char *const names[] = {
        [COOLDOWN_CHECK] = "check",
        [COOLDOWN_EXPIRED] = "CertificateExpired",
        [COOLDOWN_EXPIRING_SOON] = "CertificateExpiringSoon",
    };
    return names[kind];
}

/* Where it does not answer the state directory takes over, and nothing is lost that anybody must be told. */
static enum cooldown_answer ask_redis(const struct reporter *reporter, const struct policy *policy,
                                      const struct cooldown *cooldown, struct records_wait *wait,
                                      int64_t *left_ms)
{
    char why[STORE_WHY_SIZE];
    if (policy->store.type != STORE_REDIS)
        return COOLDOWN_UNKNOWN;
    enum cooldown_answer answer = cooldown_in_redis(&policy->store, cooldown, wait, left_ms, why);
    if (answer == COOLDOWN_UNKNOWN)
        log_line(reporter, LOG_LEVEL_WARNING, "cooldowns are kept in %s: Redis %s: %s",
                 policy->state_directory, policy->store.address, why);
    return answer;
}

static unsigned time_left(const struct policy *policy, const struct records_wait *wait)
{
    return wait->spent_ms < policy->store.timeout_ms ? policy->store.timeout_ms - wait->spent_ms : 0;
}

static void spend(struct records_wait *wait, int64_t began)
{
    int64_t took = clock_ms() - began;
    wait->spent_ms += took > 0 ? (unsigned)took : 0;
}

static enum cooldown_answer ask(const struct reporter *reporter, const struct policy *policy,
                                const struct cooldown *cooldown, struct records_wait *wait, int64_t *left_ms)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    char why[COOLDOWN_WHY_SIZE];
    enum cooldown_answer answer = ask_redis(reporter, policy, cooldown, wait, left_ms);
    if (answer != COOLDOWN_UNKNOWN)
        return answer;
    int64_t began = clock_ms();
    answer = cooldown_in_directory(policy->state_directory, cooldown, time_left(policy, wait), left_ms, why);
    spend(wait, began);
    if (answer == COOLDOWN_UNKNOWN && !atomic_flag_test_and_set(&said))
        log_line(reporter, LOG_LEVEL_ERROR,
                 "events of expiry are raised by each process for itself, for this one cannot share its "
                 "cooldowns: %s",
                 why);
    return answer;
}

bool cooldown_begin(struct reporter *reporter, const struct policy *policy, enum cooldown_kind kind,
                    const unsigned char fingerprint[32], unsigned seconds, struct records_wait *wait)
{
    const struct cooldown cooldown = {kind, fingerprint, seconds};
    const int64_t now = clock_ms();
    int64_t left_ms = (int64_t)seconds * 1000;
    struct hostio io;
    if (seconds == 0)
        return true;
    if (cooldown_memory_runs(&cooldown, now))
        return false;
    hostio_enter(&io);
    enum cooldown_answer answer = ask(reporter, policy, &cooldown, wait, &left_ms);
    hostio_leave(&io);
    /* From before it was asked on, so that this process does not take it for running when it has ended. */
    bool begins = cooldown_memory_begin(&cooldown, now, now + left_ms);
    return answer == COOLDOWN_BEGINS || (answer == COOLDOWN_UNKNOWN && begins);
}
