/* Hosts that take things from themselves: descriptors, the root, privileges, system calls, room for files. */
#include "hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534
/* The numbers that the host's own files take, again and again. */
#define FIRST_OWN 3
#define LAST_OWN  20

static const char own_text[] = "of the host\n";

static void open_own(const char *folder, int number)
{
    char path[512];
    snprintf(path, sizeof path, "%s/own-%d", folder, number);
    int opened = open(path, O_RDWR | O_CREAT, 0600);
    host_needs(opened >= 0, path);
    if (opened != number) {
        host_needs(dup2(opened, number) == number, "dup2");
        close(opened);
    }
}

static bool is_untouched(int number)
{
    char text[sizeof own_text + 1];
    ssize_t length = pread(number, text, sizeof text, 0);
    bool same = length == (ssize_t)strlen(own_text) && memcmp(text, own_text, strlen(own_text)) == 0;
    if (!same)
        dprintf(STDOUT_FILENO, "descriptor %d: the host's file was changed\n", number);
    return same;
}

/* What daemons do: closes whatever is open, and takes the numbers for files of its own. */
static void take_over(const char *folder, int first)
{
    for (int i = first; i < 1024; i++) {
        if (i != STDOUT_FILENO)
            close(i);
    }
    for (int i = first; i <= LAST_OWN; i++) {
        if (i == STDOUT_FILENO)
            continue;
        open_own(folder, i);
        host_needs(ftruncate(i, 0) == 0 && pwrite(i, own_text, strlen(own_text), 0) > 0, "own file");
    }
}

/* Nothing but the host's own files is open between handshakes. */
static unsigned count_open_behind(void)
{
    unsigned count = 0;
    for (int i = LAST_OWN + 1; i < 1024; i++)
        count += fcntl(i, F_GETFD) != -1;
    return count;
}

static unsigned closing(struct host *host, int first)
{
    unsigned expected = 0;
    unsigned left = 0;
    for (unsigned i = 0; i < host->count; i++) {
        /* Once in ten handshakes; all files are looked at each time. */
        if (i % 10 == 0) {
            left += count_open_behind();
            take_over(host->folder, first);
        }
        bool fine = pair_shake_many(&host->world, host->expect, i, i + 1) == 1;
        for (int own = first; own <= LAST_OWN; own++)
            fine = (own == STDOUT_FILENO || is_untouched(own)) && fine;
        expected += fine;
    }
    for (int own = FIRST_OWN; own <= LAST_OWN; own++)
        close(own);
    if (left != 0)
        dprintf(STDOUT_FILENO, "descriptors that are not the host's: %u\n", left);
    return left == 0 ? expected : 0;
}

unsigned host_closes(struct host *host)
{
    return closing(host, FIRST_OWN);
}

/* Standard input and standard error too. */
unsigned host_closes_standard(struct host *host)
{
    return closing(host, STDIN_FILENO);
}

static atomic_bool no_standard_error;
static atomic_uint stray_writes;

/* A thread that writes to standard error, whatever that is. */
static void *write_on(void *unused)
{
    static const char text[] = "of the host, for nobody\n";
    (void)unused;
    while (atomic_load(&no_standard_error)) {
        if (write(STDERR_FILENO, text, strlen(text)) != -1)
            atomic_fetch_add(&stray_writes, 1);
    }
    return NULL;
}

/* Standard error is closed, and stays so: no file of ours may take its number, not even for a moment. */
unsigned host_no_standard_error(struct host *host)
{
    pthread_t writer;
    int kept = fcntl(STDERR_FILENO, F_DUPFD, 900);
    close(STDERR_FILENO);
    host->world.higher = true;
    atomic_store(&no_standard_error, true);
    errno = pthread_create(&writer, NULL, write_on, NULL);
    host_needs(errno == 0, "pthread_create");
    unsigned expected = pair_shake_many(&host->world, host->expect, 0, host->count);
    atomic_store(&no_standard_error, false);
    pthread_join(writer, NULL);
    bool still_closed = fcntl(STDERR_FILENO, F_GETFD) == -1;
    dup2(kept, STDERR_FILENO);
    close(kept);
    printf("writes to nobody that went somewhere: %u\n", atomic_load(&stray_writes));
    return still_closed && atomic_load(&stray_writes) == 0 ? expected : 0;
}

unsigned host_chroot(struct host *host)
{
    char empty[512];
    snprintf(empty, sizeof empty, "%s/empty", host->folder);
    host_needs(mkdir(empty, 0755) == 0 || errno == EEXIST, "mkdir");
    host_needs(chroot(empty) == 0 && chdir("/") == 0, "chroot");
    host_needs(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "setuid");
    return pair_shake_many(&host->world, host->expect, 0, host->count);
}

#define DENY(number)                                                                                         \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),                                                       \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))

/* Nothing is opened and nobody is called any more; sockets that are there go on. */
unsigned host_seccomp(struct host *host)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, nr)),
#ifdef SYS_open
        DENY(SYS_open),
        DENY(SYS_creat),
#endif
        DENY(SYS_openat),
        DENY(SYS_openat2),
        DENY(SYS_socket),
        DENY(SYS_connect),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    host_needs(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    host_needs(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "PR_SET_SECCOMP");
    host_needs(open("/dev/null", O_RDONLY) == -1 && errno == EPERM, "the filter");
    return pair_shake_many(&host->world, host->expect, 0, host->count);
}

/*
 * No file may grow beyond a few events, and nobody reads standard error: SIGXFSZ and SIGPIPE, which end a
 * process that does not expect them.
 */
unsigned host_limits(struct host *host)
{
    const struct rlimit few = {2000, 2000};
    host_needs(setrlimit(RLIMIT_FSIZE, &few) == 0, "RLIMIT_FSIZE");
    return pair_shake_many(&host->world, host->expect, 0, host->count);
}
