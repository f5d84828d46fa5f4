/*
 * A host whose allocations fail: failing START MODE EXPECT FOLDER NUMBER... For each handshake's NUMBER and
 * for n = 1, 2, ... a child of its own shakes hands while the n-th allocation fails, until none is left to
 * fail.
 *
 * START  warm: contexts are there, and handshakes were made. first: neither the client's SSL_CTX is there,
 * nor was there a handshake in this process. MODE   one: that allocation alone fails; rest: all after it too.
 *
 * Prints a line for each child that ended otherwise than allowed, and how often there was which outcome.
 */
#include "pair.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 20
#define BATCH    50
/* The numbers of other handshakes than those under test. */
#define AFTERWARDS 8000000
/* Handshakes this far apart are alike, but for the peer's name: events are limited to one in a minute for
 * each. */
#define ALIKE 8

enum start { START_WARM, START_FIRST };

/* How a handshake ends, of which an allocation fails. */
enum end {
    END_ACCEPTED,
    END_REFUSED,
    END_NOTHING_FAILED, /* so this is the last n */
    END_WRONG,
    END_FOREVER, /* OpenSSL itself got no further: a context that was made by halves */
};

static void (*fail_at)(unsigned long number, bool ever_after);
static void (*fail_armed)(bool on);
static unsigned long (*fail_count)(void);

/* POSIX lets a function be found by name; C has no cast for it. */
static void find_function(const char *name, void *function)
{
    void *address = dlsym(RTLD_DEFAULT, name);
    if (address == NULL) {
        fprintf(stderr, "%s: not there; preload liblab_failmalloc.so\n", name);
        exit(2);
    }
    memcpy(function, &address, sizeof address);
}

struct plan {
    enum start start;
    bool ever_after;
    enum pair_expect expect;
    const char *folder;
};

static enum end say(unsigned long n, unsigned number, const char *what, const char *why)
{
    dprintf(STDOUT_FILENO, "allocation %lu, handshake %u: %s%s\n", n, number, what, why == NULL ? "" : why);
    return END_WRONG;
}

/* After the failure: the wrong server is refused as ever; the right one is let in, if OpenSSL still works. */
static enum end afterwards(struct pair_world *world, const struct plan *plan, unsigned long n)
{
    const char *why = NULL;
    bool fine = true;
    for (unsigned i = AFTERWARDS; i < AFTERWARDS + 2; i++) {
        bool welcome = plan->expect == PAIR_ANYBODY || (plan->expect == PAIR_PINNED && pair_is_genuine(i));
        enum pair_outcome outcome = pair_meet(world, i, &why);
        if (outcome == PAIR_ACCEPTED && !welcome)
            return say(n, i, "accepted afterwards", NULL);
        fine = fine && (outcome == PAIR_ACCEPTED) == welcome;
    }
    return fine ? END_REFUSED : END_FOREVER;
}

static enum end fail_once(struct pair_world *world, const struct plan *plan, unsigned long n, unsigned number)
{
    const char *why = NULL;
    bool welcome = plan->expect == PAIR_ANYBODY || (plan->expect == PAIR_PINNED && pair_is_genuine(number));
    enum pair_outcome outcome = PAIR_REFUSED;
    fail_at(n, plan->ever_after);
    world->armed = fail_armed;
    if (world->client == NULL) {
        fail_armed(true);
        world->client = pair_client(plan->folder);
        fail_armed(false);
    }
    if (world->client != NULL)
        outcome = pair_meet(world, number, &why);
    unsigned long failed = fail_count();
    fail_at(0, false);
    world->armed = NULL;
    if (outcome == PAIR_WRONG)
        return say(n, number, "", why);
    if (outcome == PAIR_ACCEPTED && !welcome)
        return say(n, number, "accepted", NULL);
    if (failed == 0)
        return (outcome == PAIR_ACCEPTED) == welcome ? END_NOTHING_FAILED
                                                     : say(n, number, "refused without a failure", NULL);
    if (world->client == NULL)
        world->client = pair_client(plan->folder);
    if (world->client == NULL)
        return END_FOREVER;
    enum end after = afterwards(world, plan, n);
    return after != END_REFUSED ? after : outcome == PAIR_ACCEPTED ? END_ACCEPTED : END_REFUSED;
}

/* What the children of one handshake came to, in memory that they share with their parent. */
struct tally {
    unsigned long n; /* the allocation that fails next, or is failing */
    unsigned long ends[END_FOREVER + 1];
    bool done; /* there was nothing left to fail */
};

/* In a child. Where nothing is to be made for the first time, it serves for several n. */
static void fail_several(struct pair_world *world, const struct plan *plan, struct tally *tally,
                         unsigned number)
{
    unsigned count = plan->start == START_WARM ? BATCH : 1;
    for (unsigned i = 0; i < count && !tally->done; i++) {
        alarm(PATIENCE);
        enum end end = fail_once(world, plan, tally->n, number + ALIKE * (unsigned)tally->n);
        tally->ends[end]++;
        tally->done = end == END_NOTHING_FAILED;
        tally->n++;
    }
}

static int run_child(struct pair_world *world, const struct plan *plan, struct tally *tally, unsigned number)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        fail_several(world, plan, tally, number);
        _exit(0);
    }
    if (child < 0) {
        perror("fork");
        exit(3);
    }
    while (waitpid(child, &status, 0) == -1 && errno == EINTR)
        ;
    return status;
}

/* All n for one handshake. Returns how many ended as they may not. */
static unsigned run_all(struct pair_world *world, const struct plan *plan, unsigned number)
{
    unsigned long crashed = 0;
    struct tally *tally =
        mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED) {
        perror("mmap");
        exit(3);
    }
    tally->n = 1;
    while (!tally->done) {
        int status = run_child(world, plan, tally, number);
        if (status == 0)
            continue;
        printf("allocation %lu, handshake %u: ended with the status %#x\n", tally->n, number,
               (unsigned)status);
        crashed++;
        tally->n++;
    }
    const unsigned long *ends = tally->ends;
    printf("handshake %u: allocations %lu accepted %lu refused %lu wrong %lu forever %lu crashed %lu\n",
           number, tally->n - 2, ends[END_ACCEPTED], ends[END_REFUSED], ends[END_WRONG], ends[END_FOREVER],
           crashed);
    unsigned long bad = ends[END_WRONG] + crashed + (plan->start == START_WARM ? ends[END_FOREVER] : 0);
    munmap(tally, sizeof *tally);
    return (unsigned)bad;
}

static void warm(struct pair_world *world, const struct plan *plan)
{
    pair_servers(world, plan->folder);
    if (plan->start == START_FIRST)
        return;
    world->client = pair_client(plan->folder);
    pair_shake_many(world, plan->expect, AFTERWARDS, AFTERWARDS + 16);
}

int main(int argc, char **argv)
{
    struct pair_world world = {0};
    unsigned bad = 0;
    if (argc < 6) {
        fputs("usage: failing warm|first one|rest EXPECT FOLDER NUMBER...\n", stderr);
        return 2;
    }
    struct plan plan = {
        .start = strcmp(argv[1], "first") == 0 ? START_FIRST : START_WARM,
        .ever_after = strcmp(argv[2], "rest") == 0,
        .expect = pair_expect_of(argv[3]),
        .folder = argv[4],
    };
    find_function("fail_at", &fail_at);
    find_function("fail_armed", &fail_armed);
    find_function("fail_count", &fail_count);
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    warm(&world, &plan);
    for (int i = 5; i < argc; i++)
        bad += run_all(&world, &plan, (unsigned)strtoul(argv[i], NULL, 10));
    printf("%s\n", bad == 0 ? "never otherwise than allowed" : "OTHERWISE THAN ALLOWED");
    return bad == 0 ? 0 : 1;
}
