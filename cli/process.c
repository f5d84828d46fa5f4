#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/exported.h"
#include "cli/mapped.h"
#include "cli/marks.h"
#include "cli/process_facts.h"
#include "cli/scan.h"
#include "config/config.h"

struct judging {
    const struct library *library;
    struct process *process;
    struct process_facts facts;
    char folder[32];      /* a path that leads to facts.folder */
    struct mapped loaded; /* our library; an empty path: not loaded */
};

/* Adds to the reason. What does not fit is cut off. */
__attribute__((format(printf, 2, 3))) static void say(struct judging *judging, const char *format, ...)
{
    char *reason = judging->process->reason;
    size_t used = strlen(reason);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason + used, REASON_SIZE - used, format, arguments);
    va_end(arguments);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Ours asks for the variable that names the policy, in whatever version. */
static bool see_mark(void *context, const char *piece, size_t size, size_t before)
{
    static const char mark[] = "TLSGRAFT_POLICY";
    bool *seen = context;
    (void)before;
    *seen = memmem(piece, size, mark, sizeof mark) != NULL;
    return !*seen;
}

/* By its name, unless the file shows that it is another one of that name. */
static bool is_ours(const struct mapped *mapped, const char *path)
{
    if (strcmp(base_name(mapped->path), "libtlsgraft.so") != 0)
        return false;
    int fd = path[0] != '\0' ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    if (fd < 0)
        return true;
    bool marked = false;
    bool read = scan_file(fd, see_mark, &marked);
    close(fd);
    return marked || !read;
}

/* What the executable has is found elsewhere, with what it exports. */
static bool is_program(const struct judging *judging, const struct mapped *mapped)
{
    return strcmp(mapped->path, judging->process->program) == 0;
}

/* False: they cannot be read. */
static bool read_files(struct judging *judging)
{
    struct mapped mapped;
    struct mapped last = {.path = ""};
    int fd = openat(judging->facts.folder, "maps", O_RDONLY | O_CLOEXEC);
    FILE *maps = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (maps == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (mapped_next(maps, &mapped)) {
        char path[PATH_MAX];
        if (mapped.device == last.device && mapped.inode == last.inode && last.path[0] != '\0')
            continue;
        last = mapped;
        if (!mapped_locate(&mapped, judging->folder, path))
            path[0] = '\0';
        if (is_ours(&mapped, path))
            judging->loaded = mapped;
        else if (!is_program(judging, &mapped))
            needs_add(&judging->process->needs, mapped.path, path);
    }
    bool read = ferror(maps) == 0;
    fclose(maps);
    return read;
}

/* Opened by the kernel's own link: the very file, also where another took its place. -1: errno tells. */
static int open_program(const struct judging *judging)
{
    return openat(judging->facts.folder, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* What the executable brings itself. */
struct own_tls {
    bool exports; /* an OpenSSL */
    char version[VERSION_SIZE];
    struct marks marks; /* only where it exports none */
};

static void read_own_tls(const struct judging *judging, struct own_tls *own)
{
    const char *missing;
    memset(own, 0, sizeof *own);
    int fd = open_program(judging);
    if (fd < 0)
        return;
    own->exports = exported_find(fd, &missing) == EXPORTED_ALL;
    if (own->exports)
        version_find(fd, own->version);
    else
        marks_find(fd, &own->marks);
    close(fd);
}

/* False: there is none that could be governed, and another. */
static bool tell_main_tls(struct judging *judging, const struct own_tls *own, const char *others)
{
    char governed[NEEDS_TEXT_SIZE];
    needs_text(&judging->process->needs, true, governed);
    if (governed[0] != '\0')
        say(judging, "; it has loaded %s", governed);
    else if (own->exports)
        say(judging, "; it has OpenSSL%s%s linked in, and exports it", own->version[0] != '\0' ? " " : "",
            own->version);
    else if (own->marks.tls)
        say(judging,
            "; it brings its own TLS, linked in statically (%s), and has loaded no libssl; only that can "
            "be governed: %s",
            own->marks.implementation, tls_advice_client);
    else if (others[0] != '\0')
        say(judging, "; it has loaded %s, and no libssl of OpenSSL 1.1.1 to 4; only that can be governed: %s",
            others, needs_advice(&judging->process->needs));
    else
        say(judging, "; it has loaded no TLS library so far");
    return governed[0] != '\0' || own->exports || (!own->marks.tls && others[0] == '\0');
}

/* Which TLS is there. False: as above. */
static bool tell_tls(struct judging *judging)
{
    struct own_tls own;
    char others[NEEDS_TEXT_SIZE];
    read_own_tls(judging, &own);
    if (own.exports || needs_has(&judging->process->needs, TLS_GOVERNED))
        needs_drop_uncertain(&judging->process->needs);
    needs_text(&judging->process->needs, false, others);
    if (!tell_main_tls(judging, &own, others))
        return false;
    if (others[0] != '\0')
        say(judging, "; what it does through %s is not governed", others);
    if (own.marks.certain)
        say(judging, "; what it does through a TLS of its own, linked in statically (%s), is not governed",
            own.marks.implementation);
    return true;
}

/* What became of the file since the process read it, or of the process's view. */
static void tell_file(struct judging *judging, const char *path)
{
    if (path[0] != '/') {
        say(judging, "; TLSGRAFT_POLICY is not an absolute path: start it with one, or with tlsgraft-run");
        return;
    }
    int error = process_facts_find(&judging->facts, path);
    if (judging->facts.other_root && error == 0)
        say(judging, "; its policy is a file in its own root: %s/root%s", judging->folder, path);
    else if (judging->facts.other_root)
        say(judging,
            "; in its own root there is no such policy: what it read before it changed its root stays "
            "in force, or else it refuses every handshake");
    else if (error == ENOENT || error == ENOTDIR)
        say(judging,
            "; its policy is not there now: what it read before stays in force, and one that starts now "
            "refuses every handshake; see 'tlsgraft policy check %s'",
            path);
    else if (error != 0 && error != ENOSYS)
        say(judging, "; its policy cannot be looked at: %s", strerror(error));
}

static void tell_policy(struct judging *judging)
{
    const struct process_facts *facts = &judging->facts;
    if (!facts->environment_is_known || (!facts->preloads && !facts->names_policy)) {
        say(judging,
            "; which policy it was started with cannot be told, as it has written over its environment or "
            "was not started by LD_PRELOAD");
    } else if (facts->names_policy) {
        snprintf(judging->process->policy, PATH_MAX, "%s", facts->policy);
        tell_file(judging, facts->policy);
    } else if (process_facts_find(facts, CONFIG_DEFAULT_PATH) != ENOENT) {
        snprintf(judging->process->policy, PATH_MAX, "%s", CONFIG_DEFAULT_PATH);
        tell_file(judging, CONFIG_DEFAULT_PATH);
    } else {
        say(judging,
            "; TLSGRAFT_POLICY is not set and %s is not there, so no policy is in force: start it with "
            "tlsgraft-run --policy FILE",
            CONFIG_DEFAULT_PATH);
    }
}

static void conclude_loaded(struct judging *judging)
{
    struct stat ours;
    const struct mapped *loaded = &judging->loaded;
    judging->process->outcome = PROCESS_LOADED;
    say(judging, "%s is loaded", loaded->path);
    if (loaded->deleted)
        say(judging, ", but that file was replaced or removed since: start the program again");
    else if (stat(judging->library->path, &ours) == 0 &&
             (ours.st_dev != loaded->device || ours.st_ino != loaded->inode))
        say(judging, ", which is not the library of this command, %s", judging->library->path);
    tell_tls(judging);
    tell_policy(judging);
}

/* Why the library could not have been loaded; what the executable tells. False: nothing speaks against it. */
static bool tell_obstacle(struct judging *judging)
{
    struct elf_facts facts;
    struct binary binary;
    char fault[128];
    int fd = open_program(judging);
    if (fd < 0)
        return false;
    enum elf_outcome outcome = elf_read(fd, &facts, fault, sizeof fault);
    bool clear = outcome != ELF_READ || binary_judge_file(fd, &facts, NULL, judging->library, &binary);
    close(fd);
    if (!clear)
        say(judging, "the library is not loaded: %s", binary.reason);
    return !clear;
}

static void conclude_not_loaded(struct judging *judging)
{
    const struct process_facts *facts = &judging->facts;
    judging->process->outcome = PROCESS_NOT_LOADED;
    if (tell_obstacle(judging))
        return;
    if (facts->secure)
        say(judging,
            "the library is not loaded, as the loader ignores LD_PRELOAD where a program is started with "
            "more rights than its caller has");
    else if (facts->preloads)
        say(judging, "the library is not loaded, though LD_PRELOAD names a libtlsgraft.so");
    else
        say(judging, "it was started without the library");
    if (!tell_tls(judging))
        return;
    if (facts->secure)
        say(judging, "; give these rights to what starts it, and start that with tlsgraft-run");
    else
        say(judging, "; start it again, with tlsgraft-run");
}

static void judge(struct judging *judging)
{
    if (judging->process->program[0] == '\0') {
        judging->process->outcome = PROCESS_NOT_LOADED;
        say(judging, "it is a thread of the kernel, which runs no program; name a process that does");
    } else if (!read_files(judging)) {
        judging->process->outcome = PROCESS_UNKNOWN;
        say(judging, "what it has loaded cannot be read: %s; %s", strerror(errno), process_facts_advice());
    } else if (judging->loaded.path[0] != '\0') {
        conclude_loaded(judging);
    } else {
        conclude_not_loaded(judging);
    }
}

void process_judge(pid_t pid, const struct library *library, struct process *process)
{
    struct judging judging = {.library = library, .process = process};
    memset(process, 0, sizeof *process);
    if (process_facts_read(pid, &judging.facts, process->reason, sizeof process->reason)) {
        snprintf(process->program, sizeof process->program, "%s", judging.facts.program);
        snprintf(judging.folder, sizeof judging.folder, "/proc/%d", (int)pid);
        judge(&judging);
    } else {
        process->outcome = PROCESS_UNKNOWN;
    }
    if (process_facts_ended(&judging.facts)) {
        process->outcome = PROCESS_UNKNOWN;
        snprintf(process->reason, sizeof process->reason, "the process has ended; name one that runs");
    }
    process_facts_close(&judging.facts);
}
