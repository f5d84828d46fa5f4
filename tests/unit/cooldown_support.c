#include "tests/unit/cooldown_support.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char state[96], own[128], first_file[160];
char said[COOLDOWN_WHY_SIZE];
int64_t left_ms;
uint64_t mark;
struct policy cooldown_policy;
struct reporter reporter;
struct records_wait waited;
struct cooldown_begun begun;
static char log_path[128];

void cooldown_fixture_make(void)
{
    fixture_make();
    snprintf(state, sizeof state, "%s/state", directory.path);
    snprintf(own, sizeof own, "%s/%u", state, (unsigned)geteuid());
    snprintf(first_file, sizeof first_file, "%s/cooldowns-00", own);
    snprintf(log_path, sizeof log_path, "%s/log", directory.path);
    reporter = (struct reporter){.level = LOG_LEVEL_ERROR, .log_file = log_path};
    cooldown_policy = (struct policy){.state_directory = state, .store = {.timeout_ms = 500}};
}

const unsigned char *numbered(unsigned number)
{
    static unsigned char fingerprint[COOLDOWN_FINGERPRINT];
    const unsigned spread = number * 2654435761U;
    memcpy(fingerprint, &number, sizeof number);
    memcpy(fingerprint + 8, &spread, sizeof spread);
    fingerprint[COOLDOWN_FINGERPRINT - 1] = (unsigned char)(number >> 8);
    return fingerprint;
}

struct cooldown check_of(unsigned number)
{
    return (struct cooldown){COOLDOWN_CHECK, numbered(number), SECONDS};
}

enum cooldown_answer in_directory(enum cooldown_kind kind, unsigned number)
{
    const struct cooldown cooldown = {kind, numbered(number), SECONDS};
    struct cooldown_state found = {0};
    said[0] = '\0';
    enum cooldown_answer answer = cooldown_in_directory(state, &cooldown, 500, &found, said);
    left_ms = found.left_ms;
    mark = found.mark;
    return answer;
}

void expect_unusable(const char *words)
{
    cr_expect_eq(in_directory(COOLDOWN_CHECK, 1), COOLDOWN_UNKNOWN);
    cr_expect_not_null(strstr(said, words), "%s", said);
}

off_t size_of(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 ? status.st_size : -1;
}

bool begins(enum cooldown_kind kind, unsigned number, unsigned seconds)
{
    waited = (struct records_wait){0};
    return cooldown_begin(&reporter, &cooldown_policy, &(struct cooldown){kind, numbered(number), seconds},
                          &waited, &begun);
}

bool begins_within(enum cooldown_kind kind, const unsigned char *fingerprint, unsigned seconds)
{
    const struct cooldown cooldown = {kind, fingerprint, seconds};
    return cooldown_begin(&reporter, &cooldown_policy, &cooldown, &waited, &begun);
}

bool begins_for(unsigned number)
{
    return begins(COOLDOWN_CHECK, number, SECONDS);
}

size_t lines_of_log(void)
{
    char text[4096] = "";
    size_t lines = 0;
    int file = open(log_path, O_RDONLY);
    if (file >= 0) {
        cr_assert_geq(read(file, text, sizeof text - 1), 0);
        close(file);
    }
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    return lines;
}

unsigned begun_at_once(bool (*begins_one)(unsigned number))
{
    enum { PROCESSES = 20, CERTIFICATES = 50 };
    pid_t processes[PROCESSES];
    unsigned *counts =
        mmap(NULL, CERTIFICATES * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < PROCESSES; i++) {
        processes[i] = fork();
        cr_assert_geq(processes[i], 0);
        for (unsigned k = 0; processes[i] == 0 && k < CERTIFICATES; k++) {
            if (begins_one(k))
                __atomic_add_fetch(&counts[k], 1, __ATOMIC_SEQ_CST);
        }
        if (processes[i] == 0)
            _exit(0);
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        waitpid(processes[i], NULL, 0);
    unsigned once = 0;
    for (unsigned k = 0; k < CERTIFICATES; k++)
        once += counts[k] == 1;
    return once;
}
