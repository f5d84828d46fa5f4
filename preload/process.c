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
#include "policy/credentials.h"
#include "policy/records.h"
#include "preload/answers.h"
#include "preload/late.h"
#include "preload/snapshot.h"

/*
 * What every process writes at its start. It lies together, and first in .bss (see CMakeLists.txt), so that
 * it is in a page that the loader has written to: each further one costs as much as a few system calls.
 */
static struct {
    atomic_bool is_seen;
    atomic_bool program_is_seen;
    atomic_bool fork_prepared;
    struct process_start start;
    struct file_identity root;
    struct host_lock lock;
    size_t room_used;
    char room[512]; /* for texts: those that fit */
    struct reporter reporter;
    /* For texts that do not fit there. In .bss: a program without OpenSSL shall not pay for them. */
    char long_policy_path[PATH_MAX];
    char log_file[PATH_MAX];
    char long_program[PATH_MAX];
    char long_section[256];
} process = {.lock = HOST_LOCK_INITIAL, .reporter = {.limit = EVENT_LIMIT_INITIAL}};

#define LOCK_COUNT 6

static void find_locks(struct host_lock *locks[LOCK_COUNT])
{
    locks[0] = &process.lock;
    locks[1] = &process.reporter.limit.lock;
    locks[2] = answers_lock();
    locks[3] = records_lock();
    locks[4] = cooldown_lock();
    locks[5] = credentials_lock();
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

/*
 * Before main, where that can be, so that the handlers of hosts run while nothing of ours is locked: those
 * that were registered first come last before the fork, and first after it. Two threads that come at once
 * both register, which does no harm, for host_lock_for_fork() nests; pthread_once(3) would be a system call
 * in every process.
 */
static void prepare_for_fork(void)
{
    if (atomic_load_explicit(&process.fork_prepared, memory_order_acquire))
        return;
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
    atomic_store_explicit(&process.fork_prepared, true, memory_order_release);
}

void process_lock(void)
{
    prepare_for_fork();
    host_lock(&process.lock);
}

void process_unlock(void)
{
    host_unlock(&process.lock);
}

struct reporter *process_reporter(void)
{
    return &process.reporter;
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
    return file_identity_is_same(&process.root, &now);
}

/* A relative path would mean another file after the host's chdir(2). */
static void copy_log_file(const char *path)
{
    size_t used = 0;
    if (path[0] != '/' && getcwd(process.log_file, sizeof process.log_file) != NULL) {
        used = strlen(process.log_file);
        if (used + 1 < sizeof process.log_file)
            process.log_file[used++] = '/';
    }
    int length = snprintf(process.log_file + used, sizeof process.log_file - used, "%s", path);
    if (length > 0 && used + (size_t)length < sizeof process.log_file)
        process.reporter.log_file = process.log_file;
}

/*
 * A copy, for hosts rewrite their environment; cut if it is too long for `otherwise`, which is where it is if
 * there is no room.
 */
static const char *copy(const char *text, char *otherwise, size_t size)
{
    size_t length = strlen(text);
    if (length < sizeof process.room - process.room_used) {
        char *copied = process.room + process.room_used;
        process.room_used += length + 1;
        return memcpy(copied, text, length + 1);
    }
    snprintf(otherwise, size, "%s", text);
    return otherwise;
}

/* Of one that was replaced or deleted meanwhile, the path that it had (proc(5)). */
static void cut_deleted(char *path, size_t length)
{
    static const char mark[] = " (deleted)";
    size_t size = sizeof mark - 1;
    if (length > size && strcmp(path + length - size, mark) == 0 && !process_file_exists(path))
        path[length - size] = '\0';
}

static const char *path_of_program(void)
{
    char *path = process.long_program;
    const char *executed = (const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr) */
    ssize_t length = readlink("/proc/self/exe", path, sizeof process.long_program - 1);
    if (length < 0)
        return executed == NULL ? path : copy(executed, path, sizeof process.long_program);
    cut_deleted(path, (size_t)length);
    return path;
}

static void see_program(void)
{
    process.start.program = path_of_program();
    process.reporter.program = process.start.program;
}

static void see_policy(void)
{
    const char *path = config_path(secure_getenv, &process.start.policy_named);
    if (!process.start.policy_named)
        process.start.policy_path = path;
    else if (strlen(path) < PATH_MAX)
        process.start.policy_path = copy(path, process.long_policy_path, sizeof process.long_policy_path);
    process.start.default_existed = !process.start.policy_named && process_file_exists(path);
}

static void see_start(void)
{
    const char *log_path = secure_getenv("TLSGRAFT_LOG_FILE");
    const char *named = secure_getenv("TLSGRAFT_PROGRAM");
    process.reporter.level = log_level_of(secure_getenv("TLSGRAFT_LOG"));
    if (log_path != NULL && log_path[0] != '\0')
        copy_log_file(log_path);
    if (named != NULL)
        process.start.section = copy(named, process.long_section, sizeof process.long_section);
    file_identity_of(STDERR_FILENO, &process.reporter.stderr_file);
    see_policy();
    file_identity_at("/", &process.root);
}

/*
 * Once. The constructors of the libraries that a program is linked with run before ours, and may make an
 * SSL_CTX.
 */
static void look_once(atomic_bool *is_seen, void (*look)(void))
{
    if (atomic_load_explicit(is_seen, memory_order_acquire))
        return;
    int error = errno;
    process_lock();
    if (!atomic_load_explicit(is_seen, memory_order_relaxed))
        look();
    atomic_store_explicit(is_seen, true, memory_order_release);
    process_unlock();
    errno = error;
}

const struct process_start *process_start(void)
{
    look_once(&process.is_seen, see_start);
    /* Only where somebody asks: for a link in /proc the kernel makes an inode, which costs more than all
     * else. */
    look_once(&process.program_is_seen, see_program);
    return &process.start;
}

/*
 * Reads no file and allocates nothing, unless the program was started with a libssl: then the policy is read
 * before main, because daemons chroot and drop privileges later. Calls nothing of OpenSSL.
 */
__attribute__((constructor)) static void on_start(void)
{
    int error = errno;
    prepare_for_fork();
    look_once(&process.is_seen, see_start);
    if (late_start()) {
        snapshot_acquire();
        snapshot_release();
    }
    errno = error;
}
