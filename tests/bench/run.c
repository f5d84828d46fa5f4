/*
 * bench_run FILE PROGRAM [ARG...]
 *
 * Runs a program, ends as it does, and writes to FILE what it needed: seconds of CPU, and kB resident at its
 * peak. A process takes over the peak of the one that starts it, which is why Python cannot tell that of a
 * small program.
 */
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    pid_t child;
    int status = 0;
    struct rusage usage;
    if (argc < 3 || posix_spawnp(&child, argv[2], NULL, NULL, &argv[2], environ) != 0 ||
        wait4(child, &status, 0, &usage) != child) {
        fprintf(stderr, "bench_run: usage: bench_run FILE PROGRAM [ARG...]; or it cannot be started\n");
        return 127;
    }
    FILE *file = fopen(argv[1], "we");
    if (file == NULL ||
        fprintf(file, "%.6f %ld\n", seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss) < 0 ||
        fclose(file) != 0) {
        fprintf(stderr, "bench_run: %s: cannot be written\n", argv[1]);
        return 127;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
