#include "policy/cooldown.h"

#include <string.h>
#include <time.h>

#include "policy/clock.h"
#include "policy/cooldown_kind.h"
#include "policy/hostio.h"
#include "policy/records.h"

const char *cooldown_name(enum cooldown_kind kind)
{
    static const char *const names[] = {
        [COOLDOWN_CHECK] = "check",
        [COOLDOWN_EXPIRED] = "CertificateExpired",
        [COOLDOWN_EXPIRING_SOON] = "CertificateExpiringSoon",
    };
    return names[kind];
}

/* Why other processes do not see what this one begins; said with an event alone. Under cooldown_lock(). */
static char alone_why[COOLDOWN_WHY_SIZE];
static bool alone_said;

static void note_alone(const char *why)
{
    host_lock(cooldown_lock());
    memcpy(alone_why, why, sizeof alone_why);
    host_unlock(cooldown_lock());
}

void cooldown_say_if_alone(const struct reporter *reporter, const struct cooldown_begun *begun)
{
    char why[COOLDOWN_WHY_SIZE];
    if (begun->place != COOLDOWN_IN_MEMORY)
        return;
    host_lock(cooldown_lock());
    bool said = alone_said;
    alone_said = true;
    memcpy(why, alone_why, sizeof why);
    host_unlock(cooldown_lock());
    if (!said)
        log_line(reporter, LOG_LEVEL_ERROR,
                 "events of expiry are raised by each process for itself, for this one cannot share its "
                 "cooldowns: %s",
                 why);
}

/* Where it does not answer the state directory takes over, and nothing is lost that anybody must be told. */
static enum cooldown_answer ask_redis(const struct reporter *reporter, const struct policy *policy,
                                      const struct cooldown *cooldown, struct records_wait *wait,
                                      struct cooldown_state *state)
{
    char why[STORE_WHY_SIZE];
    if (policy->store.type != STORE_REDIS)
        return COOLDOWN_UNKNOWN;
    enum cooldown_answer answer = cooldown_in_redis(&policy->store, cooldown, wait, state, why);
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
    int64_t took = clock_ms(CLOCK_MONOTONIC) - began;
    wait->spent_ms += took > 0 ? (unsigned)took : 0;
}

static enum cooldown_answer ask(const struct reporter *reporter, const struct policy *policy,
                                struct cooldown_begun *begun, struct records_wait *wait,
                                struct cooldown_state *state)
{
    char why[COOLDOWN_WHY_SIZE] = "";
    const struct cooldown *cooldown = &begun->cooldown;
    begun->place = COOLDOWN_IN_REDIS;
    enum cooldown_answer answer = ask_redis(reporter, policy, cooldown, wait, state);
    if (answer != COOLDOWN_UNKNOWN)
        return answer;
    int64_t start = clock_ms(CLOCK_MONOTONIC);
    begun->place = COOLDOWN_IN_DIRECTORY;
    answer = cooldown_in_directory(policy->state_directory, cooldown, time_left(policy, wait), state, why);
    spend(wait, start);
    if (answer != COOLDOWN_UNKNOWN)
        return answer;
    begun->place = COOLDOWN_IN_MEMORY;
    note_alone(why);
    return answer;
}

bool cooldown_begin(struct reporter *reporter, const struct policy *policy, const struct cooldown *cooldown,
                    struct records_wait *wait, struct cooldown_begun *begun)
{
    const int64_t now = clock_ms(CLOCK_MONOTONIC);
    const int64_t length = (int64_t)cooldown->seconds * 1000;
    struct cooldown_state state = {0};
    struct hostio io;
    *begun = (struct cooldown_begun){.cooldown = *cooldown};
    if (cooldown->seconds == 0)
        return true;
    if (cooldown_memory_runs(cooldown, now))
        return false;
    hostio_enter(&io);
    enum cooldown_answer answer = ask(reporter, policy, begun, wait, &state);
    hostio_leave(&io);
    begun->mark = state.mark;
    /* From before it was asked on, so that this process does not take it for running when it has ended. */
    bool begins =
        cooldown_memory_begin(cooldown, now, now + (answer == COOLDOWN_RUNS ? state.left_ms : length));
    return answer == COOLDOWN_BEGINS || (answer == COOLDOWN_UNKNOWN && begins);
}

void cooldown_give_back(const struct policy *policy, const struct cooldown_begun *begun,
                        struct records_wait *wait)
{
    struct hostio io;
    if (begun->place == COOLDOWN_NOWHERE)
        return;
    hostio_enter(&io);
    int64_t start = clock_ms(CLOCK_MONOTONIC);
    if (begun->place == COOLDOWN_IN_REDIS)
        cooldown_back_in_redis(&policy->store, &begun->cooldown, wait, begun->mark);
    else if (begun->place == COOLDOWN_IN_DIRECTORY) {
        cooldown_back_in_directory(policy->state_directory, &begun->cooldown, time_left(policy, wait),
                                   begun->mark);
        spend(wait, start);
    }
    hostio_leave(&io);
    cooldown_memory_end(&begun->cooldown);
}
