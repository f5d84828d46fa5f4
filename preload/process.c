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
#include "policy/cooldown.h"
#include "policy/records.h"
#include "preload/answers.h"
#include "preload/scope.h"
#include "preload/snapshot.h"

/* Copies, and in .bss: hosts rewrite their environment, and a program without OpenSSL shall not pay for it.
 */
static char policy_path[PATH_MAX];
static char log_file[PATH_MAX];
static char program[PATH_MAX];
static char section[256];

static struct process_start start;
static atomic_bool start_is_seen;
static struct file_identity root;

static struct reporter reporter = {.limit = EVENT_LIMIT_INITIAL};
static struct host_lock lock = HOST_LOCK_INITIAL;

#define LOCK_COUNT 5

static void find_locks(struct host_lock *locks[LOCK_COUNT])
{
    locks[0] = &lock;
    locks[1] = &reporter.limit.lock;
    locks[2] = answers_lock();
    locks[3] = records_lock();
    locks[4] = cooldown_lock();
}

/* Around fork(2): no thread of ours is in the middle of something that the child would never see finished. */
static void before_fork(void)
{
    struct host_lock *locks[LOCK_COUNT];
    find_locks(locks);
    host_lock_for_fork(locks, LOCK_COUNT);
}

static void after_fork(void)
{
    struct host_lock *locks[LOCK_COUNT];
    find_locks(locks);
    host_unlock_after_fork(locks, LOCK_COUNT);
}

static void after_fork_in_child(void)
{
    after_fork();
    snapshot_after_fork();
}

static void register_fork_handlers(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/*
 * Before main, where that can be, so that the handlers of hosts run while nothing of ours is locked: those
 * that were registered first come last before the fork, and first after it.
 */
static void prepare_for_fork(void)
{
    static pthread_once_t prepared = PTHREAD_ONCE_INIT;
    pthread_once(&prepared, register_fork_handlers);
}

void process_lock(void)
{
    prepare_for_fork();
    host_lock(&lock);
}

void process_unlock(void)
{
    host_unlock(&lock);
}

struct reporter *process_reporter(void)
{
    return &reporter;
}

bool process_file_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 || errno != ENOENT;
}

bool process_root_is_unchanged(void)
{
    struct file_identity now;
    file_identity_at("/", &now);
    return file_identity_is_same(&root, &now);
}

/* A relative path would mean another file after the host's chdir(2). */
static void copy_log_file(const char *path)
{
    size_t used = 0;
    if (path[0] != '/' && getcwd(log_file, sizeof log_file) != NULL) {
        used = strlen(log_file);
        if (used + 1 < sizeof log_file)
            log_file[used++] = '/';
    }
    int length = snprintf(log_file + used, sizeof log_file - used, "%s", path);
    if (length > 0 && used + (size_t)length < sizeof log_file)
        reporter.log_file = log_file;
}

static void see_program(void)
{
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    const char *executed = (const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr) */
    const char *named = secure_getenv("TLSGRAFT_PROGRAM");
    if (length < 0 && executed != NULL)
        snprintf(program, sizeof program, "%s", executed);
    start.program = program;
    reporter.program = program;
    if (named == NULL)
        return;
    snprintf(section, sizeof section, "%s", named);
    start.section = section;
}

static void see_start(void)
{
    const char *log_path = secure_getenv("TLSGRAFT_LOG_FILE");
    reporter.level = log_level_of(secure_getenv("TLSGRAFT_LOG"));
    if (log_path != NULL && log_path[0] != '\0')
        copy_log_file(log_path);
    file_identity_of(STDERR_FILENO, &reporter.stderr_file);
    const char *path = config_path(secure_getenv, &start.policy_named);
    if ((size_t)snprintf(policy_path, sizeof policy_path, "%s", path) < sizeof policy_path)
        start.policy_path = policy_path;
    start.default_existed = !start.policy_named && process_file_exists(path);
    file_identity_at("/", &root);
    see_program();
}

/*
 * Once. The constructors of the libraries that a program is linked with run before ours, and may make an
 * SSL_CTX.
 */
const struct process_start *process_start(void)
{
    if (!atomic_load_explicit(&start_is_seen, memory_order_acquire)) {
        int error = errno;
        process_lock();
        if (!atomic_load_explicit(&start_is_seen, memory_order_relaxed))
            see_start();
        atomic_store_explicit(&start_is_seen, true, memory_order_release);
        process_unlock();
        errno = error;
    }
    return &start;
}

/*
 * Reads no file and allocates nothing, unless the program was started with a libssl: then the policy is read
 * before main, because daemons chroot and drop privileges later. Calls nothing of OpenSSL.
 */
__attribute__((constructor)) static void on_start(void)
{
    int error = errno;
    prepare_for_fork();
    process_start();
    if (object_is_loaded("libssl.so")) {
        snapshot_acquire();
        snapshot_release();
    }
    errno = error;
}
