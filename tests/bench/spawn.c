/*
 * bench_spawn COUNT VARIANT... -- PROGRAM [ARG...]
 *
 * Starts a program COUNT times in each variant, in turns, and prints two lines for each: the nanoseconds from
 * posix_spawn(3) to the end of the process, and its page faults. A variant is what is added to the
 * environment, `NAME=VALUE` with a space between several, or `-` for nothing.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VARIABLES = 8, VARIANTS = 16 };

struct sample {
    uint64_t nanoseconds;
    long faults; /* that needed no disk */
};

struct variant {
    char *environment[VARIABLES];
    struct sample *samples;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_spawn: %s\n", what);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static struct sample spawn(const posix_spawn_file_actions_t *actions, char **program, char **environment)
{
    pid_t child;
    int status = 0;
    struct rusage usage;
    uint64_t before = now();
    if (posix_spawn(&child, program[0], actions, NULL, program, environment) != 0)
        die("the program cannot be started; give its path");
    if (wait4(child, &status, 0, &usage) != child || status != 0)
        die("the program failed");
    return (struct sample){now() - before, usage.ru_minflt};
}

static void set(struct variant *variant, char *words, size_t count)
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *rest = NULL;
    int used = 0;
    variant->environment[used++] = path;
    for (char *word = strtok_r(words, " ", &rest); word != NULL && used < VARIABLES - 1;
         word = strtok_r(NULL, " ", &rest)) {
        if (strcmp(word, "-") != 0)
            variant->environment[used++] = word;
    }
    variant->samples = calloc(count, sizeof *variant->samples);
    if (variant->samples == NULL)
        die("no memory");
}

static void tell(const struct variant *variant, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%llu ", (unsigned long long)variant->samples[i].nanoseconds);
    printf("\n");
    for (size_t i = 0; i < count; i++)
        printf("%ld ", variant->samples[i].faults);
    printf("\n");
}

int main(int argc, char **argv)
{
    static struct variant variants[VARIANTS];
    size_t variant_count = 0;
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    int i = 2;
    for (; i < argc && strcmp(argv[i], "--") != 0 && variant_count < VARIANTS; i++)
        set(&variants[variant_count++], argv[i], count);
    if (count == 0 || i >= argc - 1)
        die("usage: bench_spawn COUNT VARIANT... -- PROGRAM [ARG...]");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (size_t turn = 0; turn < count; turn++) {
        for (size_t v = 0; v < variant_count; v++) {
            /* Another one begins in each turn. */
            struct variant *variant = &variants[(v + turn) % variant_count];
            variant->samples[turn] = spawn(&actions, &argv[i + 1], variant->environment);
        }
    }
    for (size_t v = 0; v < variant_count; v++) {
        tell(&variants[v], count);
        free(variants[v].samples);
    }
    posix_spawn_file_actions_destroy(&actions);
    return 0;
}
