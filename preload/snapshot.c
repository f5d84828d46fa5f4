#include "preload/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "config/config.h"
#include "config/watch.h"
#include "policy/clock.h"
#include "policy/resolve.h"
#include "preload/fetch.h"
#include "preload/process.h"

/* A snapshot, and what is needed to replace it. */
struct held {
    struct snapshot snapshot;
    struct watch files;
    struct held *next_retired;
};

/* What is published where there is no memory for anything else. */
static struct held no_memory = {
    .snapshot = {.state = POLICY_BROKEN, .why = "there is not enough memory for the policy"}};

/*
 * What a thread finds while it reads the policy for the first time: resolving the name of a store may lead
 * to a module of libc's that speaks TLS itself.
 */
static struct held being_read = {
    .snapshot = {
        .state = POLICY_BROKEN,
        .why = "the policy is being read by this very thread, and the name of its store is resolved with "
               "TLS; write the address of the store as numbers"}};
static _Thread_local bool reading;

/* Threads that read it for the first time. A resolver that speaks TLS on threads of its own must come to an
 * end. */
#define FIRST_READERS_MAX 256
static atomic_uint first_readers;

static _Atomic(struct held *) published;
static _Atomic(struct held *) retired;
static atomic_uint readers;
static _Thread_local unsigned readers_here; /* of these, on this thread */
/* As it was: a thread that is cancelled while it reads a certificate's file would be counted for ever. */
static _Thread_local int cancel_state;

/* The one thread that looks for a new text owns what follows. */
static atomic_bool looking;
static struct watch rejected_files; /* of the text that was refused last; empty: none was */
static bool rejected;
static _Atomic(uint64_t) last_number;

#define LOOK_INTERVAL_MS 1000
static _Atomic(int64_t) last_look; /* CLOCK_MONOTONIC, milliseconds */

/* Not `no_memory` and `being_read`, which are never retired. */
static void free_held(struct held *held)
{
    policy_free(held->snapshot.policy);
    watch_free(&held->files);
    free(held);
}

static void retire(struct held *first, struct held *last)
{
    last->next_retired = atomic_load(&retired);
    while (!atomic_compare_exchange_weak(&retired, &last->next_retired, first))
        ;
}

/*
 * Whoever acquires from now on gets a snapshot that is not in the list, so nobody holds one of these if
 * nobody holds any.
 */
static void reclaim(void)
{
    struct held *list = atomic_exchange(&retired, NULL);
    if (list == NULL)
        return;
    if (atomic_load(&readers) == 0) {
        while (list != NULL) {
            struct held *next = list->next_retired;
            free_held(list);
            list = next;
        }
        return;
    }
    struct held *last = list;
    while (last->next_retired != NULL)
        last = last->next_retired;
    retire(list, last);
}

/* What is found wrong while a text is read. */
struct hearer {
    bool wrong;
    char why[SNAPSHOT_WHY_SIZE];
};

static void on_finding(void *context, enum config_severity severity, const char *text)
{
    struct hearer *hearer = context;
    if (severity != CONFIG_ERROR) {
        log_line(process_reporter(), severity == CONFIG_UNRESOLVED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s",
                 text);
    } else if (!hearer->wrong) {
        hearer->wrong = true;
        snprintf(hearer->why, sizeof hearer->why, "%s", text);
    }
}

static void break_policy(struct held *held, const char *why)
{
    held->snapshot.state = POLICY_BROKEN;
    snprintf(held->snapshot.why, sizeof held->snapshot.why, "%s", why);
}

/* `before`: the policy whose place it takes; NULL: there is none. */
static void read_policy(struct held *held, const char *path, const struct policy *before)
{
    struct hearer hearer = {.wrong = false};
    const struct config_report report = {.say = on_finding, .context = &hearer};
    struct policy *policy = config_reload(path, secure_getenv, &report, &held->files, before);
    if (policy == NULL) {
        break_policy(held, hearer.wrong ? hearer.why : "the policy could not be read");
        return;
    }
    held->snapshot.policy = policy;
    held->snapshot.state = POLICY_LOADED;
    held->snapshot.section = policy_section(policy, process_start()->program, process_start()->section);
}

/* Reads the policy for the first time. */
static struct held *read_first(void)
{
    const struct process_start *start = process_start();
    struct held *held = calloc(1, sizeof *held);
    if (held == NULL)
        return &no_memory;
    held->snapshot.number = ++last_number;
    /*
     * No file at the default place means no policy. But one that was there when the process started, and is
     * out of reach now (after a chroot, say), must not fail open.
     */
    if (start->policy_path == NULL)
        break_policy(held, "TLSGRAFT_POLICY: a path that is too long; allowed are 4094 characters");
    else if (start->policy_named || start->default_existed || process_file_exists(start->policy_path))
        read_policy(held, start->policy_path, NULL);
    atomic_store(&last_look, clock_ms(CLOCK_MONOTONIC));
    return held;
}

/*
 * Without a lock: what libc does to resolve the name of a store is not ours to know; it may take long, or
 * wait for the loader, which another thread holds that waits for us. So threads that come at once each read
 * it, and one of them publishes what it has.
 */
static void load_first(void)
{
    struct hostio io;
    struct held *none = NULL;
    process_start(); /* which takes a lock of its own */
    hostio_enter(&io);
    reading = true;
    atomic_fetch_add(&first_readers, 1);
    struct held *held = read_first();
    atomic_fetch_sub(&first_readers, 1);
    reading = false;
    bool first = atomic_compare_exchange_strong(&published, &none, held);
    if (!first && held != &no_memory)
        free_held(held);
    hostio_leave(&io);
    if (!first)
        return;
    const struct snapshot *snapshot = snapshot_acquire();
    if (snapshot->state == POLICY_LOADED) {
        fetch_ahead(snapshot, NULL);
    } else if (snapshot->state == POLICY_BROKEN) {
        struct event event = {.kind = EVENT_POLICY_REJECTED, .message = snapshot->why};
        snapshot_raise(NULL, &event);
    }
    snapshot_release();
}

/* How many there were. */
static unsigned stop_reading(void)
{
    unsigned before = atomic_fetch_sub(&readers, 1);
    int state = cancel_state; /* a signal's handler may come here in between */
    if (--readers_here == 0)
        pthread_setcancelstate(state, NULL);
    return before;
}

const struct snapshot *snapshot_acquire(void)
{
    for (;;) {
        /* Counted first: see reclaim(). */
        if (readers_here++ == 0)
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
        atomic_fetch_add(&readers, 1);
        const struct held *held = atomic_load(&published);
        if (held == NULL && (reading || atomic_load(&first_readers) >= FIRST_READERS_MAX))
            held = &being_read;
        if (held != NULL)
            return &held->snapshot;
        stop_reading();
        load_first();
    }
}

void snapshot_release(void)
{
    if (stop_reading() == 1 && atomic_load_explicit(&retired, memory_order_relaxed) != NULL)
        reclaim();
}

bool snapshot_is_none(void)
{
    bool none = snapshot_acquire()->state == POLICY_NONE;
    snapshot_release();
    return none;
}

void snapshot_raise(const struct snapshot *snapshot, struct event *event)
{
    const struct policy *policy = snapshot == NULL ? NULL : snapshot->policy;
    event->policy_path = process_start()->policy_path;
    event_raise(process_reporter(), policy == NULL ? NULL : &policy->events, event);
}

bool snapshot_is_ready(const struct snapshot *snapshot, const struct ossl *ossl, char why[SNAPSHOT_WHY_SIZE])
{
    if (snapshot->state == POLICY_NONE)
        return true;
    if (snapshot->state == POLICY_BROKEN) {
        memcpy(why, snapshot->why, SNAPSHOT_WHY_SIZE);
        return false;
    }
    /* Asked again at the next handshake if it fails: memory may have been short. */
    return policy_resolve(snapshot->policy, ossl, why, SNAPSHOT_WHY_SIZE);
}

bool snapshot_is_in_force(const struct snapshot *snapshot, const struct ossl *ossl)
{
    char why[SNAPSHOT_WHY_SIZE];
    return snapshot->state == POLICY_LOADED && snapshot_is_ready(snapshot, ossl, why);
}

/* Puts a text in force, or keeps what it was refused for. The old one is still in force then. */
static void settle(struct held *old, struct held *new, const struct ossl *ossl)
{
    if (new->snapshot.state == POLICY_LOADED &&
        !policy_resolve(new->snapshot.policy, ossl, new->snapshot.why, SNAPSHOT_WHY_SIZE))
        new->snapshot.state = POLICY_BROKEN;
    watch_free(&rejected_files);
    rejected = new->snapshot.state == POLICY_BROKEN;
    if (!rejected) {
        fetch_ahead(&new->snapshot, &old->snapshot);
        new->snapshot.number = ++last_number;
        atomic_store(&published, new);
        if (old != &no_memory)
            retire(old, old);
        log_line(process_reporter(), LOG_LEVEL_INFO, "%s: the policy has changed, and is in force",
                 new->snapshot.policy->path);
        return;
    }
    struct event event = {.kind = EVENT_POLICY_REJECTED, .message = new->snapshot.why};
    rejected_files = new->files;
    new->files = (struct watch){0};
    snapshot_raise(&old->snapshot, &event);
    free_held(new);
}

/* By the one thread that looks: nobody else retires what is published. */
static void look(const struct ossl *ossl)
{
    struct held *old = atomic_load(&published);
    if (!watch_has_changed(rejected ? &rejected_files : &old->files))
        return;
    struct held *new = calloc(1, sizeof *new);
    if (new == NULL)
        return;
    read_policy(new, process_start()->policy_path, old->snapshot.policy);
    settle(old, new, ossl);
}

void snapshot_look(const struct ossl *ossl)
{
    struct held *held = atomic_load(&published);
    int64_t now = clock_ms(CLOCK_MONOTONIC);
    int64_t last = atomic_load_explicit(&last_look, memory_order_relaxed);
    /* A clock that went backwards (a host may run under a false one) makes it due too. */
    if (held == NULL || (now >= last && now - last < LOOK_INTERVAL_MS))
        return;
    if (snapshot_is_none() || atomic_exchange(&looking, true))
        return;
    struct hostio io;
    hostio_enter(&io);
    /* Another may have looked since. */
    last = atomic_load_explicit(&last_look, memory_order_relaxed);
    if (now < last || now - last >= LOOK_INTERVAL_MS) {
        atomic_store_explicit(&last_look, now, memory_order_relaxed);
        if (process_start()->policy_path != NULL && process_root_is_unchanged())
            look(ossl);
    }
    hostio_leave(&io);
    atomic_store(&looking, false);
}

void snapshot_after_fork(void)
{
    /* Of this thread alone. */
    atomic_store(&first_readers, reading ? 1 : 0);
    /* Of this thread alone; not 0 where a signal's handler forks. */
    atomic_store(&readers, readers_here);
    if (atomic_exchange(&looking, false)) {
        /* The thread that looked is not in this process; what it was changing is of no use. */
        rejected_files = (struct watch){0};
        rejected = false;
    }
}
