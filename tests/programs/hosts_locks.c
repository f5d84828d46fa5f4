/*
 * The process's locks, seen through the host's own definitions of the functions that take them. OpenSSL locks
 * with pthread_rwlock_t, and does not make these sane in the child of a fork(2): a host with threads can hang
 * there without anybody's help. So that what is found here is not OpenSSL's, it forks while none of these is
 * held. Mutexes, which OpenSSL takes none of, are kept for a while by whoever takes one, so that a fork in
 * the meantime is likely.
 */
#include "hosts.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The rest of the program is hidden from shared objects. */
#define EXPORT __attribute__((visibility("default")))

typedef int rwlock_function(pthread_rwlock_t *lock);

static rwlock_function *real_read, *real_write, *real_unlock;
static int (*real_mutex)(pthread_mutex_t *mutex);

static const pthread_rwlock_t fresh_gate = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static pthread_rwlock_t gate = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static atomic_bool watched;
static _Thread_local unsigned held;
static _Thread_local bool forks;

/* POSIX lets a function be found by name; C has no cast for it. */
static void find_real(const char *name, void *function)
{
    void *address = dlsym(RTLD_NEXT, name);
    if (address == NULL)
        abort();
    memcpy(function, &address, sizeof address);
}

static void find_all(void)
{
    if (real_mutex != NULL)
        return;
    find_real("pthread_rwlock_rdlock", &real_read);
    find_real("pthread_rwlock_wrlock", &real_write);
    find_real("pthread_rwlock_unlock", &real_unlock);
    find_real("pthread_mutex_lock", &real_mutex);
}

static void enter(void)
{
    find_all();
    if (atomic_load(&watched) && held++ == 0)
        real_read(&gate);
}

EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    enter();
    return real_read(lock);
}

EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    enter();
    return real_write(lock);
}

EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    find_all();
    int result = real_unlock(lock);
    /* Not for one that was taken before locks_watch(). */
    if (atomic_load(&watched) && held > 0 && --held == 0)
        real_unlock(&gate);
    return result;
}

EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    const struct timespec while_ = {0, 300000};
    find_all();
    int result = real_mutex(mutex);
    if (atomic_load(&watched) && !forks)
        nanosleep(&while_, NULL);
    return result;
}

void locks_watch(bool on)
{
    find_all();
    atomic_store(&watched, on);
}

int locks_fork(void)
{
    forks = true;
    real_write(&gate);
    pid_t child = fork();
    if (child == 0)
        memcpy(&gate, &fresh_gate, sizeof gate);
    else
        real_unlock(&gate);
    return child;
}
