#include "cli/process_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/linux/sched.h: set in do_exit(), before the memory is given up. */
enum { PF_EXITING = 0x4 };

/* In /proc/N/stat, after the state: parent, group, session, terminal and its group. */
enum { FIELDS_BEFORE_FLAGS = 5 };

const char *process_facts_advice(void)
{
    return geteuid() == 0 ? "that takes CAP_SYS_PTRACE: in a container, start that with --cap-add SYS_PTRACE"
                          : "run as root";
}

static FILE *open_text(const struct process_facts *facts, const char *name)
{
    int fd = openat(facts->folder, name, O_RDONLY | O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL && fd >= 0)
        close(fd);
    return file;
}

/* The value of `NAME:\tVALUE` in /proc/N/status; empty: it has no such line. */
static void read_status(const struct process_facts *facts, const char *name, char *value, size_t size)
{
    char *line = NULL;
    size_t room = 0;
    size_t length = strlen(name);
    FILE *file = open_text(facts, "status");
    value[0] = '\0';
    while (file != NULL && value[0] == '\0' && getline(&line, &room, file) > 0) {
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            snprintf(value, size, "%.*s", (int)strcspn(line + length + 2, "\n"), line + length + 2);
    }
    free(line);
    if (file != NULL)
        fclose(file);
}

static bool open_folder(pid_t pid, struct process_facts *facts, char *why, size_t size)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    facts->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (facts->folder >= 0)
        return true;
    if (access("/proc/self", F_OK) != 0)
        snprintf(why, size, "/proc is not mounted, so no process can be looked at; mount it");
    else if (errno == ENOENT)
        snprintf(why, size, "there is no such process, or this user may not see it; look for it with ps -e");
    else
        snprintf(why, size, "%s: %s; %s", path, strerror(errno), process_facts_advice());
    return false;
}

/* /proc has a folder for each thread, and one for each process that has ended and is not yet waited for. */
static bool check_state(pid_t pid, const struct process_facts *facts, char *why, size_t size)
{
    char group[16];
    char state[32];
    read_status(facts, "Tgid", group, sizeof group);
    read_status(facts, "State", state, sizeof state);
    if (group[0] != '\0' && strtol(group, NULL, 10) != pid)
        snprintf(why, size, "it is a thread of the process %s; name that", group);
    else if (group[0] == '\0' || state[0] == 'Z' || state[0] == 'X')
        snprintf(why, size, "the process has ended; name one that runs");
    else
        return true;
    return false;
}

static bool read_program(struct process_facts *facts, char *why, size_t size)
{
    static const char deleted[] = " (deleted)";
    ssize_t length = readlinkat(facts->folder, "exe", facts->program, sizeof facts->program - 1);
    if (length < 0 && errno == ENOENT)
        length = 0;
    if (length < 0) {
        snprintf(why, size, "it cannot be looked at: %s; %s", strerror(errno), process_facts_advice());
        return false;
    }
    facts->program[length] = '\0';
    char *end = facts->program + length - (sizeof deleted - 1);
    if (length >= (ssize_t)sizeof deleted && strcmp(end, deleted) == 0)
        *end = '\0';
    return true;
}

/* Of a process of the other class this is not read: our library is not for it anyway. */
static void read_rights(struct process_facts *facts)
{
    unsigned long pair[2];
    FILE *file = open_text(facts, "auxv");
    while (file != NULL && fread(pair, sizeof pair, 1, file) == 1) {
        if (pair[0] == AT_SECURE)
            facts->secure = pair[1] != 0;
    }
    if (file != NULL)
        fclose(file);
}

/* As getenv(3): the first counts. */
static void read_variable(const char *variable, struct process_facts *facts)
{
    static const char policy[] = "TLSGRAFT_POLICY=";
    static const char preload[] = "LD_PRELOAD=";
    if (strncmp(variable, preload, sizeof preload - 1) == 0)
        facts->preloads = facts->preloads || strstr(variable, "libtlsgraft.so") != NULL;
    if (facts->names_policy || strncmp(variable, policy, sizeof policy - 1) != 0)
        return;
    facts->names_policy = true;
    snprintf(facts->policy, sizeof facts->policy, "%s", variable + sizeof policy - 1);
}

static void read_environment(struct process_facts *facts)
{
    char *variable = NULL;
    size_t room = 0;
    FILE *file = open_text(facts, "environ");
    while (file != NULL && getdelim(&variable, &room, '\0', file) > 0)
        read_variable(variable, facts);
    facts->environment_is_known = file != NULL && !ferror(file);
    free(variable);
    if (file != NULL)
        fclose(file);
}

static void read_root(struct process_facts *facts)
{
    struct stat ours;
    struct stat theirs;
    facts->other_root = stat("/", &ours) == 0 && fstatat(facts->folder, "root", &theirs, 0) == 0 &&
                        (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino);
}

bool process_facts_read(pid_t pid, struct process_facts *facts, char *why, size_t size)
{
    memset(facts, 0, sizeof *facts);
    if (!open_folder(pid, facts, why, size) || !check_state(pid, facts, why, size) ||
        !read_program(facts, why, size))
        return false;
    read_rights(facts);
    read_environment(facts);
    read_root(facts);
    return true;
}

void process_facts_close(struct process_facts *facts)
{
    if (facts->folder >= 0)
        close(facts->folder);
    facts->folder = -1;
}

/*
 * The folder is that of this very process, which is not found there any more once it is gone. Before that its
 * memory is, and its files look as those of a thread of the kernel do.
 */
bool process_facts_ended(const struct process_facts *facts)
{
    char text[512] = "";
    if (facts->folder < 0)
        return false;
    int fd = openat(facts->folder, "stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (length < 0)
        return error == ENOENT || error == ESRCH;
    /* A name may hold anything, but what follows it holds no parenthesis: ") S " and numbers. */
    const char *after = strrchr(text, ')');
    if (after == NULL || strlen(after) < 4)
        return false;
    const char *field = after + 3;
    for (int i = 0; i < FIELDS_BEFORE_FLAGS && field != NULL; i++)
        field = strchr(field + 1, ' ');
    bool exiting = field != NULL && (strtoul(field, NULL, 10) & PF_EXITING) != 0;
    return after[2] == 'Z' || after[2] == 'X' || exiting;
}

int process_facts_find(const struct process_facts *facts, const char *path)
{
    /* A path through /proc/N/root would follow symbolic links out of that root. */
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    int root = openat(facts->folder, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return errno;
    /* glibc before 2.32 has no SYS_openat2. */
    long fd = syscall(__NR_openat2, root, path, &how, sizeof how);
    int error = fd < 0 ? errno : 0;
    close(root);
    if (fd >= 0)
        close((int)fd);
    struct stat status;
    if (error == ENOSYS && !facts->other_root)
        error = stat(path, &status) == 0 ? 0 : errno;
    return error;
}
