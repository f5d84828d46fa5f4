#include "preload/remembered.h"

#include <string.h>
#include <time.h>

#include "preload/process.h"

#define FACTS_MAX     256
#define FACTS_SECONDS 3600 /* certificates expire, and trust anchors change */

/* A ring, guarded by process_lock(). In .bss: untouched where no rule asks for more than a key. */
static struct {
    struct fact fact;
    time_t since; /* CLOCK_MONOTONIC, seconds */
} facts[FACTS_MAX];
static unsigned next;
static unsigned count;

static bool is_same(const struct fact *a, const struct fact *b)
{
    return a->policy == b->policy && a->rule == b->rule && a->kind == b->kind &&
           memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

static time_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

/* FACTS_MAX: it is not there. */
static unsigned find(const struct fact *fact)
{
    for (unsigned i = 0; i < count; i++) {
        if (is_same(&facts[i].fact, fact))
            return i;
    }
    return FACTS_MAX;
}

void remembered_add(const struct fact *fact)
{
    time_t since = now();
    process_lock();
    unsigned at = find(fact);
    if (at == FACTS_MAX) {
        at = next;
        next = (next + 1) % FACTS_MAX;
        if (count < FACTS_MAX)
            count++;
    }
    facts[at].fact = *fact;
    facts[at].since = since;
    process_unlock();
}

bool remembered_has(const struct fact *fact)
{
    time_t at = now();
    process_lock();
    unsigned i = find(fact);
    bool has = i != FACTS_MAX && at >= facts[i].since && at - facts[i].since < FACTS_SECONDS;
    process_unlock();
    return has;
}
