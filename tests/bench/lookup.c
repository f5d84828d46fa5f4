/*
 * bench_lookup POLICY [NAMES...]
 *
 * Loads a policy and prints a line: nanoseconds of that, kB more that were resident at its peak, kB that
 * stay. Then a line for each file of names, one a line: how many of them a rule was found for, how many there
 * are, and the nanoseconds of one lookup, from the text that a program names its peer by to the rule.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/config.h"
#include "policy/domain.h"
#include "policy/index.h"

enum { LINE = 300, LOOKUPS = 1000000, SPELL = 5000 };

static void die(const char *what, const char *which)
{
    fprintf(stderr, "bench_lookup: %s: %s\n", which, what);
    exit(1);
}

static uint64_t now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

/* kB of a line of /proc/self/status. */
static unsigned long status_of(const char *word)
{
    char line[LINE];
    unsigned long value = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, word, strlen(word)) == 0)
            value = strtoul(line + strlen(word), NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return value;
}

/* The peak is what it is now (proc(5), clear_refs). */
static void forget_the_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "we");
    if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0)
        die("cannot be written", "/proc/self/clear_refs");
}

static void say(void *context, enum config_severity severity, const char *text)
{
    (void)context;
    if (severity == CONFIG_ERROR)
        fprintf(stderr, "%s\n", text);
}

/* The names of a file one after the other, each with a NUL, so that reading them costs next to nothing. */
static char *read_names(const char *path, size_t *count)
{
    FILE *file = fopen(path, "re");
    size_t size = 0;
    char *text = NULL;
    if (file == NULL || getdelim(&text, &size, '\0', file) < 0)
        die("cannot be read", path);
    fclose(file);
    *count = 0;
    for (char *end = text; (end = strchr(end, '\n')) != NULL; end++) {
        *end = '\0';
        ++*count;
    }
    return text;
}

static bool look_up_one(const struct policy *policy, const char *name)
{
    struct domain peer;
    struct rule_match match;
    if (!domain_from_peer(name, &peer))
        die("not a name", name);
    rule_index_find(&policy->pins, &peer, 443, true, &match);
    return match.rule != NULL;
}

static int compare(const void *one, const void *other)
{
    double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

/* The median of many short spells: one in which the process had to wait does not count. */
static void look_up(const struct policy *policy, const char *path)
{
    static double spells[LOOKUPS / SPELL];
    size_t count = 0;
    size_t found = 0;
    size_t next = 0;
    char *names = read_names(path, &count);
    const char *name = names;
    for (size_t spell = 0; spell < LOOKUPS / SPELL; spell++) {
        uint64_t before = now(CLOCK_THREAD_CPUTIME_ID);
        for (int i = 0; i < SPELL; i++) {
            bool matched = look_up_one(policy, name);
            found += matched && spell * SPELL + (size_t)i < count;
            name += strlen(name) + 1;
            if (++next == count) {
                next = 0;
                name = names;
            }
        }
        spells[spell] = (double)(now(CLOCK_THREAD_CPUTIME_ID) - before) / SPELL;
    }
    qsort(spells, LOOKUPS / SPELL, sizeof *spells, compare);
    printf("%zu %zu %.1f\n", found, count, spells[LOOKUPS / SPELL / 2]);
    free(names);
}

int main(int argc, char **argv)
{
    const struct config_report report = {.say = say};
    if (argc < 2)
        die("usage: bench_lookup POLICY [NAMES...]", "arguments");
    forget_the_peak();
    unsigned long resident = status_of("VmRSS:");
    uint64_t before = now(CLOCK_MONOTONIC);
    struct policy *policy = config_load(argv[1], getenv, &report, NULL);
    uint64_t took = now(CLOCK_MONOTONIC) - before;
    if (policy == NULL)
        die("refused", argv[1]);
    printf("%llu %lu %lu\n", (unsigned long long)took, status_of("VmHWM:") - resident,
           status_of("VmRSS:") - resident);
    for (int i = 2; i < argc; i++)
        look_up(policy, argv[i]);
    policy_free(policy);
    return 0;
}
