/* Hosts with threads: fork and vfork in between, small stacks, signals at any time. */
#include "hosts.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 32
#define SMALL_STACK 65536
/* A child that hangs is ended after as many seconds, and so is seen. */
#define CHILD_PATIENCE   30
#define CHILD_HANDSHAKES 6

struct share {
    struct host *host;
    unsigned from, to;
    unsigned expected;
};

static atomic_uint busy; /* threads that are not done yet */
static atomic_uint surprises;

static void *work(void *argument)
{
    struct share *share = argument;
    share->expected = pair_shake_many(&share->host->world, share->host->expect, share->from, share->to);
    atomic_fetch_sub(&busy, 1);
    return NULL;
}

unsigned host_in_threads(struct host *host, unsigned threads, size_t stack, void (*meanwhile)(struct host *))
{
    pthread_t ids[THREADS_MAX];
    struct share shares[THREADS_MAX];
    pthread_attr_t attributes;
    unsigned expected = 0;
    pthread_attr_init(&attributes);
    if (stack != 0) {
        errno = pthread_attr_setstacksize(&attributes, stack);
        host_needs(errno == 0, "pthread_attr_setstacksize");
    }
    atomic_store(&busy, threads);
    for (unsigned i = 0; i < threads; i++) {
        shares[i] = (struct share){host, host->count * i / threads, host->count * (i + 1) / threads, 0};
        errno = pthread_create(&ids[i], &attributes, work, &shares[i]);
        host_needs(errno == 0, "pthread_create");
    }
    if (meanwhile != NULL)
        meanwhile(host);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        expected += shares[i].expected;
    }
    pthread_attr_destroy(&attributes);
    return expected - (atomic_load(&surprises) == 0 ? 0 : 1);
}

static void await_child(pid_t child, const char *what)
{
    int status;
    host_needs(child > 0, what);
    while (waitpid(child, &status, 0) == -1 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        dprintf(STDOUT_FILENO, "a child ended with the status %#x\n", (unsigned)status);
        atomic_fetch_add(&surprises, 1);
    }
}

/* The children shake hands too, whatever the other threads were doing when they were made. */
static void fork_meanwhile(struct host *host)
{
    unsigned number = host->count + 8;
    while (atomic_load(&busy) > 0) {
        fflush(stdout);
        pid_t child = locks_fork();
        if (child == 0) {
            alarm(CHILD_PATIENCE);
            unsigned expected =
                pair_shake_many(&host->world, host->expect, number, number + CHILD_HANDSHAKES);
            _exit(expected == CHILD_HANDSHAKES ? 0 : 1);
        }
        await_child(child, "fork");
        number += CHILD_HANDSHAKES;
    }
    printf("handshakes in children %u\n", number - host->count - 8);
}

unsigned host_forks(struct host *host)
{
    /* What is set up once, at the first handshakes, is behind us. */
    pair_shake_many(&host->world, host->expect, host->count, host->count + 8);
    locks_watch(true);
    unsigned expected = host_in_threads(host, 4, 0, fork_meanwhile);
    locks_watch(false);
    return expected;
}

static void vfork_meanwhile(struct host *host)
{
    char *const argv[] = {"true", NULL};
    char *const no_environment[] = {NULL};
    (void)host;
    while (atomic_load(&busy) > 0) {
        pid_t child = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): what hosts do */
        if (child == 0) {
            execve("/bin/true", argv, no_environment);
            _exit(1);
        }
        await_child(child, "vfork");
    }
}

unsigned host_vforks(struct host *host)
{
    return host_in_threads(host, 4, 0, vfork_meanwhile);
}

unsigned host_small_stacks(struct host *host)
{
    return host_in_threads(host, 4, SMALL_STACK, NULL);
}

static atomic_ulong alarms;

static void on_alarm(int number)
{
    int error = errno;
    (void)number;
    atomic_fetch_add(&alarms, 1);
    (void)getppid(); /* a system call, as handlers make them */
    errno = error;
}

/* A timer of the process: the signal goes to whichever thread does not block it. */
static unsigned with_signals(struct host *host, int flags)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
    const struct itimerval fast = {{0, 200}, {0, 200}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &fast, NULL);
    unsigned expected = host_in_threads(host, 4, 0, NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    printf("signals %lu\n", atomic_load(&alarms));
    return atomic_load(&alarms) > 0 ? expected : 0;
}

unsigned host_signals_restart(struct host *host)
{
    return with_signals(host, SA_RESTART);
}

unsigned host_signals_interrupt(struct host *host)
{
    return with_signals(host, 0);
}
