#include "policy/hostio.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const int our_signals[] = {SIGPIPE, SIGXFSZ};
#define SIGNAL_COUNT (sizeof our_signals / sizeof *our_signals)

void hostio_enter(struct hostio *io)
{
    sigset_t block;
    io->error = errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &io->cancel_state);
    sigemptyset(&block);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaddset(&block, our_signals[i]);
    pthread_sigmask(SIG_BLOCK, &block, &io->mask);
    sigpending(&io->pending);
}

void hostio_leave(const struct hostio *io)
{
    sigset_t now;
    sigpending(&now);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        /* One that was pending before is the host's, and stays. */
        if (sigismember(&now, our_signals[i]) == 1 && sigismember(&io->pending, our_signals[i]) == 0) {
            const struct timespec at_once = {0, 0};
            sigset_t one;
            sigemptyset(&one);
            sigaddset(&one, our_signals[i]);
            sigtimedwait(&one, NULL, &at_once);
        }
    }
    pthread_sigmask(SIG_SETMASK, &io->mask, NULL);
    pthread_setcancelstate(io->cancel_state, NULL);
    errno = io->error;
}

/*
 * Takes the numbers of the standard descriptors that are closed; returns how many. With O_PATH, so that a
 * write of the host to such a number fails meanwhile as one to a closed descriptor does.
 */
static int take_standard(int taken[STDERR_FILENO + 1])
{
    int count = 0;
    while (count <= STDERR_FILENO) {
        int descriptor = open("/", O_PATH | O_CLOEXEC);
        if (descriptor > STDERR_FILENO)
            close(descriptor);
        if (descriptor < 0 || descriptor > STDERR_FILENO)
            break;
        taken[count++] = descriptor;
    }
    return count;
}

static bool standard_are_open(void)
{
    for (int i = 0; i <= STDERR_FILENO; i++) {
        if (fcntl(i, F_GETFD) == -1)
            return false;
    }
    return true;
}

/* On this thread, how deep: a handler of pthread_atfork(3) may fork. */
static _Thread_local unsigned forking;

/* hot: every process calls it at its start, and what is so marked lies in the same pages. */
__attribute__((hot)) void host_lock(struct host_lock *lock)
{
    sigset_t all;
    if (forking > 0)
        return;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_mutex_lock(&lock->mutex);
    lock->before = before;
}

__attribute__((hot)) void host_unlock(struct host_lock *lock)
{
    if (forking > 0)
        return;
    sigset_t before = lock->before;
    pthread_mutex_unlock(&lock->mutex);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void host_lock_for_fork(struct host_lock *const *locks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        host_lock(locks[i]);
    forking++;
}

void host_unlock_after_fork(struct host_lock *const *locks, size_t count)
{
    forking--;
    while (count > 0)
        host_unlock(locks[--count]);
}

/* The numbers that a new descriptor must not get, while it is made. */
struct standard {
    int taken[STDERR_FILENO + 1];
    int count;
};

static void keep_standard(struct standard *standard)
{
    standard->count = standard_are_open() ? 0 : take_standard(standard->taken);
}

/* Returns the descriptor that was made meanwhile (-1: none, and errno), perhaps under another number. */
static int release_standard(struct standard *standard, int descriptor)
{
    int error = errno;
    while (standard->count > 0)
        close(standard->taken[--standard->count]);
    /* The host has closed one just now. */
    if (descriptor >= 0 && descriptor <= STDERR_FILENO) {
        int higher = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        error = errno;
        close(descriptor);
        descriptor = higher;
    }
    errno = error;
    return descriptor;
}

int hostio_openat(int directory, const char *path, int flags, mode_t mode)
{
    struct standard standard;
    keep_standard(&standard);
    return release_standard(&standard, openat(directory, path, flags | O_CLOEXEC, mode));
}

int hostio_open(const char *path, int flags, mode_t mode)
{
    return hostio_openat(AT_FDCWD, path, flags, mode);
}

int hostio_socket(int family, int type)
{
    struct standard standard;
    keep_standard(&standard);
    return release_standard(&standard, socket(family, type | SOCK_CLOEXEC, 0));
}

static void set_identity(struct file_identity *identity, bool known, const struct stat *status)
{
    *identity = (struct file_identity){.known = known};
    if (known) {
        identity->device = status->st_dev;
        identity->inode = status->st_ino;
    }
}

__attribute__((hot)) void file_identity_of(int descriptor, struct file_identity *identity)
{
    struct stat status;
    set_identity(identity, fstat(descriptor, &status) == 0, &status);
}

__attribute__((hot)) void file_identity_at(const char *path, struct file_identity *identity)
{
    struct stat status;
    set_identity(identity, stat(path, &status) == 0, &status);
}

bool file_identity_is_same(const struct file_identity *a, const struct file_identity *b)
{
    return a->known && b->known && a->device == b->device && a->inode == b->inode;
}

bool file_is_still(int descriptor, const struct file_identity *identity)
{
    struct file_identity now;
    file_identity_of(descriptor, &now);
    return file_identity_is_same(identity, &now);
}

/* Does something stand before `at` that is no whole line? Not known (false) without the right to read. */
static bool is_amid_line(int descriptor, off_t at)
{
    char before;
    return at > 0 && pread(descriptor, &before, 1, at - 1) == 1 && before != '\n';
}

/* Half a line would stay behind where a disk, or what this process may make of a file, ends. */
static bool has_room(int descriptor, off_t size, size_t length)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (rlim_t)size + length > limit.rlim_cur) {
        errno = EFBIG;
        return false;
    }
    /* Reserves the blocks, and changes nothing else. Not every file system can. */
    return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, size, (off_t)length) == 0 ||
           (errno != ENOSPC && errno != EDQUOT);
}

static bool write_line(int descriptor, const char *bytes, size_t length)
{
    ssize_t written = write(descriptor, bytes, length);
    if (written >= 0 && (size_t)written < length) {
        errno = ENOSPC;
        return false;
    }
    return written >= 0;
}

/*
 * Half a line that another process has left behind must not swallow this one: then it is written once more.
 * Only after the first writing is it known what stands before it: what looks like half a line until then may
 * be one that is being written.
 */
static bool append_line(int descriptor, off_t size, const char *bytes, size_t length)
{
    if (!has_room(descriptor, size, length) || !write_line(descriptor, bytes, length))
        return false;
    off_t end = lseek(descriptor, 0, SEEK_CUR);
    return !is_amid_line(descriptor, end - (off_t)length) || write_line(descriptor, bytes, length);
}

int hostio_open_or_create(int directory, const char *path, int flags, mode_t mode)
{
    enum { TIMES = 100 }; /* others may remove it again and again */
    flags |= O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    for (int i = 0; i < TIMES; i++) {
        int descriptor = hostio_openat(directory, path, flags, 0);
        if (descriptor >= 0 || errno != ENOENT)
            return descriptor;
        descriptor = hostio_openat(directory, path, flags | O_CREAT | O_EXCL, mode);
        if (descriptor >= 0)
            fchmod(descriptor, mode);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* To be read too, where that is allowed; see is_amid_line(). */
static int open_to_append(const char *path)
{
    enum { MODE = 0640 };
    int descriptor = hostio_open_or_create(AT_FDCWD, path, O_RDWR | O_APPEND, MODE);
    return descriptor < 0 && errno == EACCES
               ? hostio_open_or_create(AT_FDCWD, path, O_WRONLY | O_APPEND, MODE)
               : descriptor;
}

bool hostio_append(const char *path, const char *bytes, size_t length)
{
    struct stat status;
    int descriptor = open_to_append(path);
    if (descriptor < 0)
        return false;
    bool done = fstat(descriptor, &status) == 0;
    if (done && !S_ISREG(status.st_mode)) {
        errno = EINVAL;
        done = false;
    }
    done = done && append_line(descriptor, status.st_size, bytes, length);
    int error = errno;
    close(descriptor);
    errno = error;
    return done;
}
