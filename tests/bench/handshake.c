/*
 * bench_handshake [fixed] [resume] [mutual] [own] 1.2|1.3 FOLDER NAME
 *
 * A TLS client that is told on stdin what to do, a line each, and answers with a line:
 *   run N    N handshakes; the nanoseconds that the client took for each
 *   open N   N connections that stay open; how many are open
 *   state    bytes of the heap in use, kB resident, kB that are this process's alone, calls of the allocator
 * in the client's steps, and those of libtlsgraft.so (both 0 without the preload that counts)
 *
 * So many of them can be there at once and take turns, which keeps what else the machine does out of a
 * comparison.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/meeting.h"

enum { LINE = 256, OPEN_MAX_COUNT = 100000 };

static SSL *opened[OPEN_MAX_COUNT];
static size_t opened_count;

/* kB of the lines of /proc/self/smaps_rollup that begin with one of the words. */
static unsigned long rollup(const char *word, const char *other)
{
    char line[LINE];
    unsigned long sum = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, word, strlen(word)) == 0 || strncmp(line, other, strlen(other)) == 0)
            sum += strtoul(strchr(line, ':') + 1, NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return sum;
}

static void state(const struct world *world)
{
    struct mallinfo2 heap = mallinfo2();
    printf("%zu %lu %lu %lu %lu\n", heap.uordblks + heap.hblkhd, rollup("Rss:", "Rss:"),
           rollup("Private_Clean:", "Private_Dirty:"), world->allocations.all, world->allocations.ours);
}

static void run(struct world *world, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++)
        printf("%llu ", (unsigned long long)world_meet(world, NULL));
    printf("\n");
}

static void open_more(struct world *world, unsigned long count)
{
    for (unsigned long i = 0; i < count && opened_count < OPEN_MAX_COUNT; i++)
        world_meet(world, &opened[opened_count++]);
    printf("%zu\n", opened_count);
}

static void obey(struct world *world)
{
    char line[LINE];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, "run ", 4) == 0)
            run(world, strtoul(line + 4, NULL, 10));
        else if (strncmp(line, "open ", 5) == 0)
            open_more(world, strtoul(line + 5, NULL, 10));
        else
            state(world);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct world_options options = {0};
    struct world world;
    int i = 1;
    for (; i < argc - 3; i++) {
        options.fixed = options.fixed || strcmp(argv[i], "fixed") == 0;
        options.resume = options.resume || strcmp(argv[i], "resume") == 0;
        options.mutual = options.mutual || strcmp(argv[i], "mutual") == 0;
        options.own = options.own || strcmp(argv[i], "own") == 0;
    }
    if (argc < 4) {
        fprintf(stderr, "usage: bench_handshake [fixed] [resume] [mutual] [own] 1.2|1.3 FOLDER NAME\n");
        return 2;
    }
    options.version = world_version(argv[i]);
    options.folder = argv[i + 1];
    options.name = argv[i + 2];
    world_open(&world, &options);
    obey(&world);
    while (opened_count > 0)
        SSL_free(opened[--opened_count]);
    world_close(&world);
    return 0;
}
