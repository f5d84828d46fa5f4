/*
 * Input and output as a guest in someone else's process: no signal of ours reaches the host, no descriptor
 * of ours takes the place of its standard ones, no thread of the host is cancelled in the middle.
 */
#ifndef TLSGRAFT_HOSTIO_H
#define TLSGRAFT_HOSTIO_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* What hostio_enter() changed on this thread, for hostio_leave(). */
struct hostio {
    sigset_t mask;
    sigset_t pending;
    int cancel_state;
    int error; /* errno */
};

/*
 * Between these two calls, on one thread: SIGPIPE and SIGXFSZ are blocked and what our own I/O raises of
 * them is consumed, cancellation is disabled; errno is put back at the end.
 */
void hostio_enter(struct hostio *io);
void hostio_leave(const struct hostio *io);

/*
 * A lock for a few instructions of ours. Signals are blocked while it is held: a handler of the host that
 * forks would come to it again on the same thread, by pthread_atfork(3).
 */
struct host_lock {
    pthread_mutex_t mutex;
    sigset_t before; /* the mask of the thread that holds it */
};
#define HOST_LOCK_INITIAL                                                                                    \
    {                                                                                                        \
        .mutex = PTHREAD_MUTEX_INITIALIZER                                                                   \
    }

/* Taken and given back in the order of a stack, where there are several. */
void host_lock(struct host_lock *lock);
void host_unlock(struct host_lock *lock);

/*
 * Around fork(2): takes all of `locks`, and gives them back in parent or child. In between, on the thread
 * that forks, both calls above do nothing: the host's own pthread_atfork(3) handlers may run then, and come
 * to them.
 */
void host_lock_for_fork(struct host_lock *const *locks, size_t count);
void host_unlock_after_fork(struct host_lock *const *locks, size_t count);

/*
 * open(2) with O_CLOEXEC, and never one of the descriptors 0 to 2: a host may have closed these, and other
 * threads of it would then write into our file. -1 and errno on failure.
 */
int hostio_open(const char *path, int flags, mode_t mode);
int hostio_openat(int directory, const char *path, int flags, mode_t mode); /* the same for openat(2) */

/*
 * Opens a file, never through a link; where it is missing it is created with `mode`, whatever the umask of
 * the host is. -1 and errno on failure.
 */
int hostio_open_or_create(int directory, const char *path, int flags, mode_t mode);

/* The same as hostio_open() for socket(2). */
int hostio_socket(int family, int type);

/* Which file a descriptor is, so that a daemon's reuse of its number is noticed. */
struct file_identity {
    bool known;
    dev_t device;
    ino_t inode;
};

void file_identity_of(int descriptor, struct file_identity *identity);
void file_identity_at(const char *path, struct file_identity *identity);
bool file_identity_is_same(const struct file_identity *a, const struct file_identity *b); /* and known */
bool file_is_still(int descriptor, const struct file_identity *identity);

/*
 * Appends a line of `length` bytes, its line break is the last one, as one write(2) to a regular file, which
 * is created if it is missing (0640, whatever the umask of the host is); never follows a link, never waits
 * for a FIFO. Any number of processes may do so at once. False, and errno: nothing of it is there, or, where
 * the disk became full that moment, half of it, which does not harm the lines that come after it (EINVAL: it
 * is no regular file).
 */
bool hostio_append(const char *path, const char *bytes, size_t length);

#endif
