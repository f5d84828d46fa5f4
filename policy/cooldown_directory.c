/*
 * Cooldowns in files: DIRECTORY/UID/cooldowns-NN, of which there are as many as a byte of the fingerprint has
 * values in its low bits. Each is a header and entries of one size, in no order; when it is full the oldest
 * entry is replaced. So nothing grows without bound, and nothing needs to be cleaned up.
 *
 * An entry holds when its cooldown began, by CLOCK_REALTIME, which outlives a process and a reboot. One that
 * begins well in the future is of a clock that went backwards, and counts as ended.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "policy/clock.h"
#include "policy/cooldown_file.h"
#include "policy/state_directory.h"
#include "policy/store_kind.h"

enum {
    FILES = 64,
    ENTRIES_MAX = 512, /* of a file: 16 KiB. All files together have room for 16,384 certificates */
    KEY_SIZE = 16,
    READ_AT_ONCE = 64, /* entries; bounds what is on the stack */
    AHEAD_MS = 10000,  /* a clock that is set by so little did not go backwards */
    LOCK_WAIT_MS = 100 /* the others hold it for microseconds */
};

struct entry {
    unsigned char key[KEY_SIZE]; /* the kind, and the beginning of the fingerprint */
    int64_t began;               /* milliseconds of CLOCK_REALTIME; INT64_MIN: it was given back */
    uint64_t seal;               /* of the others: who reads without the lock may see half of an entry */
};

static const char header[sizeof(struct entry)] = "tlsgraft cooldowns 2\n";

/* One question. */
struct question {
    const char *path; /* the state directory */
    const struct cooldown *cooldown;
    struct entry entry; /* as it is written if the cooldown begins */
    unsigned timeout_ms;
    char *why;
};

/*
 * Never waits in the kernel, for a process that holds it may have been stopped. Released by unlock_file(),
 * and not by closing alone: a fork(2) of the host may have copied the descriptor.
 */
static bool lock_file(const struct question *question, int file)
{
    unsigned most = question->timeout_ms < LOCK_WAIT_MS ? question->timeout_ms : LOCK_WAIT_MS;
    int64_t deadline = clock_ms(CLOCK_MONOTONIC) + most;
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        char words[STORE_ERROR_SIZE];
        if (errno != EWOULDBLOCK && errno != EINTR) {
            state_directory_fail(
                question->path, question->why,
                ": a file in it cannot be locked: %s; set 'state_directory' to another file system",
                store_error(errno, words));
            return false;
        }
        if (clock_ms(CLOCK_MONOTONIC) >= deadline) {
            state_directory_fail(question->path, question->why,
                                 ": another process of this user holds a lock there; has it been stopped?");
            return false;
        }
        poll(NULL, 0, 1);
    }
    return true;
}

static void unlock_file(int file)
{
    flock(file, LOCK_UN);
}

static off_t offset_of(unsigned number)
{
    return (off_t)(sizeof header + number * sizeof(struct entry));
}

/* Where the entry is or is to be, among those that the file has. */
struct place {
    unsigned number; /* the oldest, where the key is not found and there is no room */
    bool found;
    struct entry entry; /* if it is found */
};

static bool is_of_future(const struct entry *entry, int64_t now)
{
    return entry->began > now && (uint64_t)entry->began - (uint64_t)now > AHEAD_MS;
}

static uint64_t seal_of(const struct entry *entry)
{
    uint64_t halves[2];
    memcpy(halves, entry->key, sizeof halves);
    return halves[0] ^ halves[1] ^ (uint64_t)entry->began ^ 0x746c736772616674U; /* zeros are no entry */
}

static bool is_whole(const struct entry *entry)
{
    return entry->seal == seal_of(entry);
}

static void find_place(int file, const struct entry *wanted, struct place *place)
{
    struct entry entries[READ_AT_ONCE];
    unsigned number = 0;
    int64_t oldest = INT64_MAX;
    ssize_t got;
    *place = (struct place){0};
    do {
        got = pread(file, entries, sizeof entries, offset_of(number));
        unsigned count = got > 0 ? (unsigned)((size_t)got / sizeof *entries) : 0;
        for (unsigned i = 0; i < count && number < ENTRIES_MAX; i++, number++) {
            bool whole = is_whole(&entries[i]);
            if (whole && memcmp(entries[i].key, wanted->key, KEY_SIZE) == 0) {
                *place = (struct place){number, true, entries[i]};
                return;
            }
            bool ended = !whole || is_of_future(&entries[i], wanted->began);
            int64_t began = ended ? INT64_MIN : entries[i].began;
            if (began < oldest) {
                oldest = began;
                place->number = number;
            }
        }
    } while (got == (ssize_t)sizeof entries && number < ENTRIES_MAX);
    if (number < ENTRIES_MAX)
        place->number = number;
}

static bool has_header(int file)
{
    char now[sizeof header];
    return pread(file, now, sizeof now, 0) == (ssize_t)sizeof now && memcmp(now, header, sizeof now) == 0;
}

/* A file that is damaged, or of something else, is begun anew. */
static bool write_header_if_needed(int file)
{
    return has_header(file) ||
           (ftruncate(file, 0) == 0 && pwrite(file, header, sizeof header, 0) == (ssize_t)sizeof header);
}

/* For how long it runs; 0: it does not. What is read may be of anybody's making. */
static int64_t left_of(const struct question *question, const struct entry *found)
{
    int64_t length = (int64_t)question->cooldown->seconds * 1000;
    int64_t now = question->entry.began;
    if (is_of_future(found, now))
        return 0;
    uint64_t passed = found->began > now ? 0 : (uint64_t)now - (uint64_t)found->began;
    return passed < (uint64_t)length ? length - (int64_t)passed : 0;
}

/* For how long it runs now, and its place. With the file's lock or without it. */
static int64_t read_left(struct question *question, int file, struct place *place)
{
    *place = (struct place){0};
    question->entry.began = clock_ms(CLOCK_REALTIME);
    if (!has_header(file))
        return 0;
    find_place(file, &question->entry, place);
    return place->found ? left_of(question, &place->entry) : 0;
}

static bool write_entry(int file, unsigned number, struct entry *entry)
{
    entry->seal = seal_of(entry);
    return pwrite(file, entry, sizeof *entry, offset_of(number)) == (ssize_t)sizeof *entry;
}

/* Under the file's lock. */
static enum cooldown_answer begin(struct question *question, int file, struct cooldown_state *state)
{
    char words[STORE_ERROR_SIZE];
    struct place place;
    state->left_ms = read_left(question, file, &place);
    if (state->left_ms > 0)
        return COOLDOWN_RUNS;
    errno = ENOSPC; /* of a short write */
    if (write_header_if_needed(file) && write_entry(file, place.number, &question->entry)) {
        state->mark = (uint64_t)question->entry.began;
        return COOLDOWN_BEGINS;
    }
    state_directory_fail(question->path, question->why,
                         "/%lu cannot be written: %s; make room there, or set 'state_directory' to another",
                         (unsigned long)geteuid(), store_error(errno, words));
    return COOLDOWN_UNKNOWN;
}

/* One that runs is seen without the lock, so that a process that was stopped with it holds nobody up. */
static enum cooldown_answer ask_file(struct question *question, int file, struct cooldown_state *state)
{
    struct place place;
    enum cooldown_answer answer = COOLDOWN_UNKNOWN;
    state->left_ms = read_left(question, file, &place);
    if (state->left_ms > 0)
        return COOLDOWN_RUNS;
    if (lock_file(question, file)) {
        answer = begin(question, file, state);
        unlock_file(file);
    }
    return answer;
}

static int open_question(struct question *question)
{
    const struct cooldown *cooldown = question->cooldown;
    question->entry.key[0] = (unsigned char)cooldown->kind;
    memcpy(question->entry.key + 1, cooldown->fingerprint, KEY_SIZE - 1);
    return cooldown_file_open(question->path, cooldown->fingerprint[COOLDOWN_FINGERPRINT - 1] % FILES,
                              question->why);
}

enum cooldown_answer cooldown_in_directory(const char *path, const struct cooldown *cooldown,
                                           unsigned timeout_ms, struct cooldown_state *state, char *why)
{
    struct question question = {.path = path, .cooldown = cooldown, .timeout_ms = timeout_ms, .why = why};
    int file = open_question(&question);
    if (file < 0)
        return COOLDOWN_UNKNOWN;
    enum cooldown_answer answer = ask_file(&question, file, state);
    close(file);
    return answer;
}

/* Under the file's lock. One that another process has begun meanwhile is left to it. */
static void give_back(struct question *question, int file, uint64_t mark)
{
    struct place place;
    if (read_left(question, file, &place) <= 0 || (uint64_t)place.entry.began != mark)
        return;
    question->entry.began = INT64_MIN;
    write_entry(file, place.number, &question->entry);
}

void cooldown_back_in_directory(const char *path, const struct cooldown *cooldown, unsigned timeout_ms,
                                uint64_t mark)
{
    char why[COOLDOWN_WHY_SIZE];
    struct question question = {.path = path, .cooldown = cooldown, .timeout_ms = timeout_ms, .why = why};
    int file = open_question(&question);
    if (file < 0)
        return;
    if (lock_file(&question, file)) {
        give_back(&question, file, mark);
        unlock_file(file);
    }
    close(file);
}
