#include "tests/unit/stores.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

char why[STORE_WHY_SIZE];
char stores_text[20000];
const struct store_text stores_whole = {stores_text, sizeof stores_text - 1, STORE_FAULT_CONTACT};

__attribute__((constructor)) static void fill(void)
{
    memset(stores_text, 'x', sizeof stores_text - 2);
    stores_text[sizeof stores_text - 2] = '\n';
}

const char *stores_id(const char *organisation, unsigned number)
{
    static char ids[8][256];
    static unsigned next;
    char *id = ids[next++ % 8];
    snprintf(id, sizeof ids[0], "%s%064x", organisation, number);
    return id;
}

enum store_result stores_write(const struct store_settings *store, const char *organisation, unsigned number)
{
    return store_write(store, organisation, stores_id(organisation, number), stores_text, strlen(stores_text),
                       false, false, why);
}

enum store_result stores_read(const struct store_settings *store, const char *id, struct store_text *text)
{
    enum store_result result;
    why[0] = '\0';
    store_read(store, &id, 1, store->timeout_ms, &result, text, why);
    return result;
}

bool stores_has(const struct store_settings *store, const char *organisation, unsigned number)
{
    struct store_text text;
    bool is_there = stores_read(store, stores_id(organisation, number), &text) == STORE_DONE &&
                    text.length == strlen(stores_text) && strcmp(text.text, stores_text) == 0;
    free(text.text);
    return is_there;
}

static bool add(void *context, const struct store_listed *listed)
{
    char *all = context;
    size_t length = strlen(all);
    snprintf(all + length, 16384 - length, "%s%s ", listed->id, listed->result == STORE_DONE ? "" : "!");
    return true;
}

const char *stores_listed(const struct store_settings *store, const char *organisation)
{
    static char all[16384];
    all[0] = '\0';
    return store_list(store, organisation, add, all, why) == STORE_DONE ? all : why;
}

static void write_and_count(const struct store_settings *store, unsigned count, struct stores_tally *tally)
{
    for (unsigned i = 0; i < count; i++) {
        switch (stores_write(store, ORGANISATION, i)) {
        case STORE_DONE:
            __atomic_add_fetch(&tally->done, 1, __ATOMIC_SEQ_CST);
            break;
        case STORE_EXISTS:
            __atomic_add_fetch(&tally->exists, 1, __ATOMIC_SEQ_CST);
            break;
        default:
            fprintf(stderr, "%s\n", why);
            __atomic_add_fetch(&tally->failed, 1, __ATOMIC_SEQ_CST);
        }
    }
}

struct stores_tally stores_write_at_once(const struct store_settings *store, unsigned writers, unsigned count)
{
    struct stores_tally *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < writers; i++) {
        pid_t process = fork();
        if (process < 0)
            abort();
        if (process == 0) {
            write_and_count(store, count, shared);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < writers; i++)
        wait(NULL);
    struct stores_tally tally = *shared;
    munmap(shared, sizeof *shared);
    return tally;
}

void stores_write_and_die(const struct store_settings *store, unsigned first, bool replace)
{
    int ends[2];
    char byte;
    if (pipe(ends) != 0)
        abort();
    pid_t process = fork();
    if (process < 0)
        abort();
    if (process == 0) {
        if (write(ends[1], "", 1) != 1)
            _exit(1);
        for (unsigned i = first;; i += !replace)
            store_write(store, ORGANISATION, stores_id(ORGANISATION, i), stores_text, strlen(stores_text),
                        true, replace ? &stores_whole : NULL, why);
    }
    if (read(ends[0], &byte, 1) != 1)
        abort();
    /* Anywhere in the first few writes. */
    for (volatile int left = rand() % 16000000; left > 0; left--)
        continue;
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}
