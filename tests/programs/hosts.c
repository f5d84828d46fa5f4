/*
 * A plain host with OpenSSL, in a state of its choice: hosts STATE EXPECT COUNT FOLDER. Prints `expected N of
 * COUNT`, and a line for each surprise. Ends with 0 if all was as expected, and nothing was left behind.
 */
#include "hosts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTORS 1024

static unsigned plain(struct host *host)
{
    return pair_shake_many(&host->world, host->expect, 0, host->count);
}

static unsigned threads(struct host *host)
{
    return host_in_threads(host, 8, 0, NULL);
}

static const struct {
    const char *name;
    host_state *run;
} states[] = {
    {"plain", plain},
    {"threads", threads},
    {"forks", host_forks},
    {"vforks", host_vforks},
    {"small-stacks", host_small_stacks},
    {"signals-restart", host_signals_restart},
    {"signals-interrupt", host_signals_interrupt},
    {"clients", host_clients},
    {"closes", host_closes},
    {"closes-standard", host_closes_standard},
    {"no-standard-error", host_no_standard_error},
    {"chroot", host_chroot},
    {"seccomp", host_seccomp},
    {"limits", host_limits},
};

void host_needs(bool done, const char *what)
{
    if (done)
        return;
    dprintf(STDOUT_FILENO, "%s: %s\n", what, strerror(errno));
    exit(3);
}

static host_state *find_state(const char *name)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (strcmp(states[i].name, name) == 0)
            return states[i].run;
    }
    return NULL;
}

static void note_descriptors(bool open[DESCRIPTORS])
{
    for (int i = 0; i < DESCRIPTORS; i++)
        open[i] = fcntl(i, F_GETFD) != -1;
}

/* 1 where this cannot be asked any more (after a chroot, say). */
static unsigned count_tasks(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        return 1;
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static bool nothing_is_left(const bool before[DESCRIPTORS], const struct sigaction *pipe_before)
{
    bool after[DESCRIPTORS];
    struct sigaction pipe_now;
    sigset_t mask;
    bool clean = true;
    note_descriptors(after);
    for (int i = 0; i < DESCRIPTORS; i++) {
        if (before[i] != after[i]) {
            printf("descriptor %d: %s\n", i, after[i] ? "left open" : "gone");
            clean = false;
        }
    }
    if (count_tasks() != 1) {
        puts("a thread is left");
        clean = false;
    }
    sigaction(SIGPIPE, NULL, &pipe_now);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (pipe_now.sa_handler != pipe_before->sa_handler || sigismember(&mask, SIGPIPE) == 1 ||
        sigismember(&mask, SIGXFSZ) == 1) {
        puts("the signals are not as they were");
        clean = false;
    }
    return clean;
}

int main(int argc, char **argv)
{
    static bool before[DESCRIPTORS];
    struct sigaction pipe_before;
    host_state *run = argc == 5 ? find_state(argv[1]) : NULL;
    if (run == NULL) {
        fputs("usage: hosts STATE EXPECT COUNT FOLDER\n", stderr);
        return 2;
    }
    struct host host = {
        .expect = pair_expect_of(argv[2]), .count = (unsigned)strtoul(argv[3], NULL, 10), .folder = argv[4]};
    for (int i = STDERR_FILENO + 1; i < DESCRIPTORS; i++)
        close(i); /* what whoever started this left open */
    pair_open(&host.world, host.folder);
    sigaction(SIGPIPE, NULL, &pipe_before);
    note_descriptors(before);
    unsigned expected = run(&host);
    bool clean = nothing_is_left(before, &pipe_before);
    printf("expected %u of %u\n", expected, host.count);
    return expected == host.count && clean ? 0 : 1;
}
