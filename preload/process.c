#include "preload/process.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "policy/resolve.h"
#include "preload/scope.h"

/*
 * What the environment said at the start. Copies, and in .bss: hosts rewrite their environment, and a
 * program without OpenSSL shall not pay for an allocation.
 */
static struct {
    bool seen;
    bool named;
    char policy_path[PATH_MAX];
    char log_file[PATH_MAX];
    char program[PATH_MAX];
    bool default_existed;
} start;

static struct reporter reporter = {.limit = EVENT_LIMIT_INITIAL};
static struct snapshot the_snapshot;
static _Atomic(struct snapshot *) published;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void process_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

/* Around fork(2): no thread of ours is in the middle of something that the child would never see finished. */
static void before_fork(void)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&reporter.limit.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&reporter.limit.lock);
    pthread_mutex_unlock(&lock);
}

static void prepare_for_fork(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

/* The handlers are there before the lock is ever held, so that no child finds it so. */
void process_lock(void)
{
    static pthread_once_t prepared = PTHREAD_ONCE_INIT;
    pthread_once(&prepared, prepare_for_fork);
    pthread_mutex_lock(&lock);
}

const struct reporter *process_reporter(void)
{
    return &reporter;
}

void process_raise(struct event *event)
{
    const struct snapshot *snapshot = atomic_load_explicit(&published, memory_order_acquire);
    const struct policy *policy = snapshot == NULL ? NULL : snapshot->policy;
    event->policy_path = policy != NULL ? policy->path : start.policy_path;
    event_raise(&reporter, policy == NULL ? NULL : &policy->events, event);
}

static void break_policy(const char *why)
{
    the_snapshot.state = POLICY_BROKEN;
    if (the_snapshot.why[0] == '\0')
        snprintf(the_snapshot.why, sizeof the_snapshot.why, "%s", why);
}

static void on_finding(void *context, enum config_severity severity, const char *text)
{
    (void)context;
    if (severity == CONFIG_ERROR)
        break_policy(text);
    else
        log_line(&reporter, severity == CONFIG_UNRESOLVED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s", text);
}

/* False only where nothing of that name is there: a dangling link, or a directory without permission, is. */
static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 || errno != ENOENT;
}

static void read_policy(void)
{
    const struct config_report report = {.say = on_finding};
    if (strlen(start.policy_path) >= sizeof start.policy_path - 1) {
        break_policy("TLSGRAFT_POLICY: a path that is too long; allowed are 4094 characters");
        return;
    }
    /*
     * No file at the default place means no policy. But one that was there when the process started, and is
     * out of reach now (after a chroot, say), must not fail open.
     */
    if (!start.named && !start.default_existed && !exists(start.policy_path))
        return;
    struct policy *policy = config_load(start.policy_path, secure_getenv, &report, NULL);
    if (policy == NULL) {
        break_policy("the policy could not be read");
        return;
    }
    the_snapshot.policy = policy;
    the_snapshot.state = POLICY_LOADED;
}

/* A relative path would mean another file after the host's chdir(2). */
static void copy_log_file(const char *path)
{
    size_t used = 0;
    if (path[0] != '/' && getcwd(start.log_file, sizeof start.log_file) != NULL) {
        used = strlen(start.log_file);
        if (used + 1 < sizeof start.log_file)
            start.log_file[used++] = '/';
    }
    int length = snprintf(start.log_file + used, sizeof start.log_file - used, "%s", path);
    if (length > 0 && used + (size_t)length < sizeof start.log_file)
        reporter.log_file = start.log_file;
}

/*
 * What there is at the start of the process, once. The constructors of the libraries that a program is linked
 * with run before ours, and may make an SSL_CTX. Under the lock.
 */
static void see_start(void)
{
    if (start.seen)
        return;
    start.seen = true;
    const char *log_file = secure_getenv("TLSGRAFT_LOG_FILE");
    reporter.level = log_level_of(secure_getenv("TLSGRAFT_LOG"));
    if (log_file != NULL && log_file[0] != '\0')
        copy_log_file(log_file);
    file_identity_of(STDERR_FILENO, &reporter.stderr_file);
    snprintf(start.policy_path, sizeof start.policy_path, "%s", config_path(secure_getenv, &start.named));
    start.default_existed = !start.named && exists(start.policy_path);
}

const struct snapshot *process_policy(void)
{
    struct snapshot *snapshot = atomic_load_explicit(&published, memory_order_acquire);
    if (snapshot != NULL)
        return snapshot;
    struct hostio io;
    hostio_enter(&io);
    process_lock();
    see_start();
    snapshot = atomic_load_explicit(&published, memory_order_relaxed);
    bool first = snapshot == NULL;
    if (first) {
        ssize_t length = readlink("/proc/self/exe", start.program, sizeof start.program - 1);
        const char *executed = (const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr) */
        if (length < 0 && executed != NULL)
            snprintf(start.program, sizeof start.program, "%s", executed);
        reporter.program = start.program;
        read_policy();
        snapshot = &the_snapshot;
        atomic_store_explicit(&published, snapshot, memory_order_release);
    }
    process_unlock();
    hostio_leave(&io);
    if (first && snapshot->state == POLICY_BROKEN) {
        struct event event = {.kind = EVENT_POLICY_REJECTED, .message = snapshot->why};
        process_raise(&event);
    }
    return snapshot;
}

bool process_is_ready(const struct ossl *ossl, char why[PROCESS_WHY_SIZE])
{
    const struct snapshot *snapshot = process_policy();
    if (snapshot->state == POLICY_NONE)
        return true;
    if (snapshot->state == POLICY_BROKEN) {
        memcpy(why, snapshot->why, PROCESS_WHY_SIZE);
        return false;
    }
    /* Asked again at the next handshake if it fails: memory may have been short. */
    return policy_resolve(snapshot->policy, ossl, why, PROCESS_WHY_SIZE);
}

/*
 * Reads no file and allocates nothing, unless the program was started with a libssl: then the policy is read
 * before main, because daemons chroot and drop privileges later. Calls nothing of OpenSSL.
 */
__attribute__((constructor)) static void on_start(void)
{
    int error = errno;
    process_lock();
    see_start();
    process_unlock();
    if (object_is_loaded("libssl.so"))
        process_policy();
    errno = error;
}
