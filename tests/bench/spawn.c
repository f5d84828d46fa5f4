/*
 * bench_spawn COUNT VARIANT... -- PROGRAM [ARG...]
 *
 * Starts a program COUNT times in each variant, in turns, and prints a line for each: the nanoseconds from
 * posix_spawn(3) to the end of the process. A variant is what is added to the environment, `NAME=VALUE` with
 * a space between several, or `-` for nothing.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VARIABLES = 8, VARIANTS = 16 };

struct variant {
    char *environment[VARIABLES];
    uint64_t *times;
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

static uint64_t spawn(const posix_spawn_file_actions_t *actions, char **program, char **environment)
{
    pid_t child;
    int status = 0;
    uint64_t before = now();
    if (posix_spawn(&child, program[0], actions, NULL, program, environment) != 0)
        die("the program cannot be started; give its path");
    if (waitpid(child, &status, 0) != child || status != 0)
        die("the program failed");
    return now() - before;
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
    variant->times = calloc(count, sizeof *variant->times);
    if (variant->times == NULL)
        die("no memory");
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
            variant->times[turn] = spawn(&actions, &argv[i + 1], variant->environment);
        }
    }
    for (size_t v = 0; v < variant_count; v++) {
        for (size_t turn = 0; turn < count; turn++)
            printf("%llu ", (unsigned long long)variants[v].times[turn]);
        printf("\n");
        free(variants[v].times);
    }
    posix_spawn_file_actions_destroy(&actions);
    return 0;
}
