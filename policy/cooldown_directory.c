/*
 * Cooldowns in files: DIRECTORY/UID/cooldowns-NN, of which there are as many as a byte of the fingerprint has
 * values in its low bits. Each is a header and entries of one size, in no order; when it is full the oldest
 * entry is replaced. So nothing grows without bound, and nothing needs to be cleaned up.
 *
 * An entry holds when its cooldown began, by CLOCK_REALTIME, which outlives a process and a reboot. One that
 * begins well in the future is of a clock that went backwards, and counts as ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/cooldown_kind.h"
#include "policy/hostio.h"
#include "policy/store_kind.h"
#include "policy/text.h"

enum {
    FILES = 64,
    ENTRIES_MAX = 512, /* of a file: 16 KiB. All files together have room for 16,384 certificates */
    KEY_SIZE = 24,
    READ_AT_ONCE = 64, /* entries; bounds what is on the stack */
    AHEAD_MS = 10000,  /* a clock that is set by so little did not go backwards */
    LOCK_WAIT_MS = 100 /* the others hold it for microseconds */
};

struct entry {
    unsigned char key[KEY_SIZE]; /* the kind, and the beginning of the fingerprint */
    int64_t began;               /* milliseconds of CLOCK_REALTIME */
};

static const char header[sizeof(struct entry)] = "tlsgraft cooldowns 1\n";

/* One question. */
struct question {
    const char *path; /* the state directory */
    const struct cooldown *cooldown;
    struct entry entry; /* as it is written if the cooldown begins; its time is read under the file's lock */
    unsigned timeout_ms;
    int64_t *left_ms;
    char *why;
};

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Writes why the directory cannot be used: `format` says of it what follows its path. */
static void fail(const struct question *question, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void fail(const struct question *question, const char *format, ...)
{
    va_list args;
    int head = snprintf(question->why, COOLDOWN_WHY_SIZE, "%s", question->path);
    if (head < 0 || head >= COOLDOWN_WHY_SIZE)
        head = 0;
    va_start(args, format);
    vsnprintf(question->why + head, (size_t)(COOLDOWN_WHY_SIZE - head), format, args);
    va_end(args);
    text_for_terminal(question->why);
}

static int open_directory(int at, const char *name)
{
    return hostio_openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0);
}

/* Made where it is missing, with this mode whatever the umask of the host is. */
static int open_or_make(int at, const char *name, mode_t mode)
{
    int directory = open_directory(at, name);
    if (directory >= 0 || errno != ENOENT)
        return directory;
    bool made = mkdirat(at, name, mode) == 0;
    if (!made && errno != EEXIST)
        return -1;
    directory = open_directory(at, name);
    if (made && directory >= 0)
        fchmod(directory, mode);
    return directory;
}

static bool is_other(int error)
{
    return error == ENOTDIR || error == ELOOP;
}

/* Opens the state directory, which the users of a machine share. */
static int open_state(const struct question *question)
{
    char words[STORE_ERROR_SIZE];
    struct stat status;
    int directory = open_or_make(AT_FDCWD, question->path, 01777);
    if (directory < 0 && is_other(errno)) {
        fail(question, " is no directory, or a link, which is not followed; remove it, or set "
                       "'state_directory' to a directory");
        return -1;
    }
    if (directory < 0) {
        fail(question,
             " cannot be opened or made: %s; run as root: install -d -m 1777 %s (or set 'state_directory')",
             store_error(errno, words), question->path);
        return -1;
    }
    if (fstat(directory, &status) == 0 &&
        ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (status.st_mode & S_ISVTX) != 0))
        return directory;
    fail(question,
         " can be changed by others than its owner, and has no sticky bit (mode %04o); run: chmod +t %s",
         (unsigned)status.st_mode & 07777U, question->path);
    close(directory);
    return -1;
}

/* Is it this user's own, and kept from others? */
static bool is_own(const struct stat *status)
{
    return status->st_uid == geteuid() && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The directory of the effective user in it. Others may have put something else into its place. */
static int open_own(const struct question *question, int state)
{
    char name[16];
    char words[STORE_ERROR_SIZE];
    struct stat status;
    snprintf(name, sizeof name, "%lu", (unsigned long)geteuid());
    int own = open_or_make(state, name, 0700);
    if (own < 0 && is_other(errno))
        fail(question, "/%s is no directory, or a link, which is not followed; remove it", name);
    else if (own < 0)
        fail(question, "/%s cannot be opened or made: %s; let this user write to %s", name,
             store_error(errno, words), question->path);
    if (own < 0 || (fstat(own, &status) == 0 && is_own(&status)))
        return own;
    fail(question,
         "/%s belongs to user %lu (mode %04o), and must be this user's own and kept from others; remove it",
         name, (unsigned long)status.st_uid, (unsigned)status.st_mode & 07777U);
    close(own);
    return -1;
}

static int open_file(int own, const char *name)
{
    return hostio_openat(own, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
}

static bool is_usable(int file)
{
    struct stat status;
    return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && is_own(&status);
}

/* Opens the file of an entry; what is none of ours there is removed. */
static int open_entries(const struct question *question, int own)
{
    char name[32];
    char words[STORE_ERROR_SIZE];
    unsigned number = question->cooldown->fingerprint[COOLDOWN_FINGERPRINT - 1] % FILES;
    snprintf(name, sizeof name, "cooldowns-%02u", number);
    int file = open_file(own, name);
    if (file >= 0 && is_usable(file))
        return file;
    if (file >= 0)
        close(file);
    if (unlinkat(own, name, 0) == 0)
        file = open_file(own, name);
    else
        file = -1;
    if (file < 0)
        fail(question, "/%lu/%s cannot be opened: %s; remove it, and let this user write there",
             (unsigned long)geteuid(), name, store_error(errno, words));
    return file;
}

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
            fail(question,
                 ": a file in it cannot be locked: %s; set 'state_directory' to another file system",
                 store_error(errno, words));
            return false;
        }
        if (clock_ms(CLOCK_MONOTONIC) >= deadline) {
            fail(question, ": another process of this user holds a lock there; has it been stopped?");
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
            if (memcmp(entries[i].key, wanted->key, KEY_SIZE) == 0) {
                *place = (struct place){number, true, entries[i]};
                return;
            }
            int64_t began = is_of_future(&entries[i], wanted->began) ? INT64_MIN : entries[i].began;
            if (began < oldest) {
                oldest = began;
                place->number = number;
            }
        }
    } while (got == (ssize_t)sizeof entries && number < ENTRIES_MAX);
    if (number < ENTRIES_MAX)
        place->number = number;
}

/* A file that is damaged, or of something else, is begun anew. */
static bool write_header_if_needed(int file)
{
    char now[sizeof header];
    if (pread(file, now, sizeof now, 0) == (ssize_t)sizeof now && memcmp(now, header, sizeof now) == 0)
        return true;
    return ftruncate(file, 0) == 0 && pwrite(file, header, sizeof header, 0) == (ssize_t)sizeof header;
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

/* Under the file's lock. */
static enum cooldown_answer ask_file(struct question *question, int file)
{
    char words[STORE_ERROR_SIZE];
    struct place place;
    question->entry.began = clock_ms(CLOCK_REALTIME);
    errno = ENOSPC; /* of a short write */
    bool done = write_header_if_needed(file);
    if (done) {
        find_place(file, &question->entry, &place);
        int64_t left_ms = place.found ? left_of(question, &place.entry) : 0;
        if (left_ms > 0) {
            *question->left_ms = left_ms;
            return COOLDOWN_RUNS;
        }
        done = pwrite(file, &question->entry, sizeof question->entry, offset_of(place.number)) ==
               (ssize_t)sizeof question->entry;
    }
    if (done)
        return COOLDOWN_BEGINS;
    fail(question, "/%lu cannot be written: %s; make room there, or set 'state_directory' to another",
         (unsigned long)geteuid(), store_error(errno, words));
    return COOLDOWN_UNKNOWN;
}

static enum cooldown_answer ask_own(struct question *question, int own)
{
    enum cooldown_answer answer = COOLDOWN_UNKNOWN;
    int file = open_entries(question, own);
    if (file < 0)
        return COOLDOWN_UNKNOWN;
    if (lock_file(question, file)) {
        answer = ask_file(question, file);
        unlock_file(file);
    }
    close(file);
    return answer;
}

enum cooldown_answer cooldown_in_directory(const char *path, const struct cooldown *cooldown,
                                           unsigned timeout_ms, int64_t *left_ms, char *why)
{
    struct question question = {
        .path = path, .cooldown = cooldown, .timeout_ms = timeout_ms, .left_ms = left_ms, .why = why};
    enum cooldown_answer answer = COOLDOWN_UNKNOWN;
    question.entry.key[0] = (unsigned char)cooldown->kind;
    memcpy(question.entry.key + 1, cooldown->fingerprint, KEY_SIZE - 1);
    int state = open_state(&question);
    int own = state < 0 ? -1 : open_own(&question, state);
    if (own >= 0) {
        answer = ask_own(&question, own);
        close(own);
    }
    if (state >= 0)
        close(state);
    return answer;
}
