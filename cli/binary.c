#include "cli/binary.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/exported.h"
#include "cli/lookup.h"
#include "cli/marks.h"
#include "cli/trace.h"

__attribute__((format(printf, 3, 4))) static bool verdict(struct binary *binary, enum binary_verdict verdict,
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(binary->reason, sizeof binary->reason, format, arguments);
    va_end(arguments);
    binary->verdict = verdict;
    return false;
}

/* Each step answers whether the next may be taken; where not, it has given the verdict. */

static bool check_kind(const struct elf_facts *facts, const char *fault, const struct library *library,
                       struct binary *binary)
{
    const struct elf_facts *ours = &library->facts;
    bool known = facts->elf_class == ELFCLASS32 || facts->elf_class == ELFCLASS64;
    if (known && facts->elf_class != ours->elf_class)
        return verdict(binary, BINARY_UNLOADABLE,
                       "it is a %s-bit program, and the library of tlsgraft is %s-bit; use its %s-bit build",
                       facts->elf_class == ELFCLASS32 ? "32" : "64",
                       ours->elf_class == ELFCLASS32 ? "32" : "64",
                       ours->elf_class == ELFCLASS32 ? "32" : "64");
    if (known && facts->encoding != ours->encoding)
        return verdict(
            binary, BINARY_UNLOADABLE,
            "its byte order is not that of the library of tlsgraft; use its build for this machine");
    if (known && facts->machine != ours->machine)
        return verdict(binary, BINARY_UNLOADABLE,
                       "it is for another processor (ELF machine %u) than the library of tlsgraft (%u); use "
                       "its build for this machine",
                       (unsigned)facts->machine, (unsigned)ours->machine);
    if (known && facts->type != ET_EXEC && facts->type != ET_DYN)
        return verdict(binary, BINARY_BROKEN, "it is an ELF file, but no program; name a program");
    if (!known || fault != NULL)
        return verdict(binary, BINARY_BROKEN, "it is a damaged ELF file: %s; install it again",
                       fault != NULL ? fault : "its class is unknown");
    return true;
}

/* Of a program with more rights than its caller the loader drops our LD_PRELOAD, as our path has a slash. */
static bool check_rights(int fd, struct binary *binary)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return verdict(binary, BINARY_UNDECIDED, "%s", strerror(errno));
    /* Without the group's execute bit, the setgid bit means locking. */
    bool setgid = (status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0;
    bool setuid = (status.st_mode & S_ISUID) != 0;
    if (setuid || setgid)
        return verdict(
            binary, BINARY_UNGOVERNED,
            "it is %s: the loader ignores LD_PRELOAD in such programs; start a copy without that bit as "
            "the %s that it changes to, or put tlsgraft-run after it if it starts others (as sudo)",
            setuid ? "setuid" : "setgid", setuid ? "user" : "group");
    ssize_t length = fgetxattr(fd, "security.capability", NULL, 0);
    if (length > 0)
        return verdict(
            binary, BINARY_UNGOVERNED,
            "it has file capabilities: the loader ignores LD_PRELOAD in such programs; take them "
            "off (setcap -r) and have its service manager grant them (systemd: AmbientCapabilities)");
    if (length < 0 && errno != ENODATA && errno != ENOTSUP)
        return verdict(binary, BINARY_UNDECIDED, "its file capabilities cannot be read: %s", strerror(errno));
    return true;
}

static bool check_go(const struct elf_facts *facts, struct binary *binary)
{
    return !facts->go ||
           verdict(binary, facts->interpreter[0] == '\0' ? BINARY_STATIC : BINARY_UNGOVERNED,
                   "it is a Go program, which brings its own TLS; only OpenSSL can be governed: pin in "
                   "its own code, or %s",
                   tls_advice_client);
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_glibc_name(const char *name)
{
    return (starts(name, "ld-linux") && strstr(name, ".so") != NULL) || starts(name, "ld64.so") ||
           strcmp(name, "ld.so.1") == 0;
}

static bool check_loader_name(const struct elf_facts *facts, struct binary *binary)
{
    const char *loader = facts->interpreter;
    const char *slash = strrchr(loader, '/');
    const char *name = slash != NULL ? slash + 1 : loader;
    if (name[0] == '\0')
        return verdict(
            binary, BINARY_STATIC,
            "it is linked statically, so nothing can be preloaded into it; use a build that is linked "
            "with shared libraries");
    if (starts(name, "ld-musl"))
        return verdict(binary, BINARY_UNLOADABLE,
                       "it is made for musl (%s), and the library of tlsgraft for glibc; use its glibc build "
                       "(a Debian image in the place of Alpine's)",
                       loader);
    return is_glibc_name(name) ||
           verdict(binary, BINARY_UNLOADABLE, "its loader, %s, is not glibc's; use its glibc build", loader);
}

/*
 * A loader that is not glibc's must not be run: musl's, asked for a list, runs the program. A name does not
 * prove enough, for some systems give musl's glibc's name; so the file must call itself so too, and hold the
 * versions of glibc's own symbols.
 */
static bool check_loader(const struct elf_facts *facts, struct binary *binary)
{
    const char *loader = facts->interpreter;
    int error;
    enum lookup found = lookup_file(loader, &error);
    if (found == LOOKUP_MISSING)
        return verdict(binary, BINARY_LOADER_GONE, "its loader, %s, does not exist", loader);
    if (found == LOOKUP_DENIED)
        return verdict(binary, BINARY_UNDECIDED, "its loader, %s, cannot be executed: %s", loader,
                       strerror(error));
    int fd = open(loader, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return verdict(binary, BINARY_UNDECIDED, "its loader, %s, cannot be read: %s", loader,
                       strerror(errno));
    struct elf_facts own;
    char why[128];
    enum elf_outcome outcome = elf_read(fd, &own, why, sizeof why);
    close(fd);
    if (outcome != ELF_READ || !own.glibc || !is_glibc_name(own.soname))
        return verdict(binary, BINARY_UNLOADABLE,
                       "its loader, %s, has the name of glibc's but is another; use its glibc build", loader);
    return true;
}

static bool check_library_path(const struct library *library, struct binary *binary)
{
    const char *fault = library_path_fault(library->path);
    return fault == NULL ||
           verdict(binary, BINARY_UNLOADABLE,
                   "the path of the library, %s, %s, so it cannot be preloaded; install tlsgraft elsewhere",
                   library->path, fault);
}

/* The line of the loader's complaints that names our library, cut out in place; NULL: none. */
static char *find_complaint(char *errors, const char *path)
{
    char *at = strstr(errors, path);
    if (at == NULL)
        return NULL;
    while (at > errors && at[-1] != '\n')
        at--;
    at[strcspn(at, "\n")] = '\0';
    return at;
}

/* Proof of loading, and the list of libraries that comes with it. */
static bool check_loading(const char *path, const struct elf_facts *facts, const struct library *library,
                          struct binary *binary)
{
    struct trace trace;
    char why[256];
    bool loads = false;
    bool listed = false;
    /* The kernel hands the loader the real path, from which it takes $ORIGIN. */
    char *real = realpath(path, NULL);
    bool traced = trace_program(&trace, facts->interpreter, real == NULL ? path : real, library->preload, why,
                                sizeof why);
    free(real);
    if (!traced) {
        verdict(binary, BINARY_UNDECIDED, "its loader, %s, cannot be asked: %s", facts->interpreter, why);
        trace_free(&trace);
        return false;
    }
    char *at = trace.output;
    struct trace_line line;
    while (trace_next(&at, &line)) {
        listed = true;
        if (strcmp(line.name, library->path) == 0)
            loads = line.path != NULL;
        else
            needs_add(&binary->needs, line.name, line.path);
    }
    /* A version of glibc that the library needs and the program's glibc lacks: listed, and yet fatal. */
    const char *complaint = find_complaint(trace.errors, library->path);
    if (!loads && complaint == NULL) {
        trace.errors[strcspn(trace.errors, "\n")] = '\0';
        complaint = trace.errors[0] != '\0' ? trace.errors
                    : listed                ? "its loader does not list the library"
                                            : "its loader ends without a list; the file may be damaged";
    }
    if (complaint != NULL)
        verdict(binary, BINARY_UNLOADABLE, "%s does not load into it: %s", library->path, complaint);
    trace_free(&trace);
    return complaint == NULL;
}

/* Reads the whole file. */
static bool check_marks(int fd, const struct elf_facts *facts, struct marks *marks, struct binary *binary)
{
    if (!marks_find(fd, marks))
        return verdict(binary, BINARY_UNDECIDED, "it cannot be read: %s", strerror(errno));
    struct elf_facts go = *facts;
    go.go = marks->go;
    return check_go(&go, binary);
}

static bool check_linked_in(const struct marks *marks, struct binary *binary)
{
    return !marks->tls ||
           verdict(
               binary, BINARY_UNGOVERNED,
               "it brings its own TLS, linked in statically (%s); only a shared libssl can be governed, or "
               "an OpenSSL that the program exports: use a build with a shared OpenSSL, or %s",
               marks->implementation, tls_advice_client);
}

/* For programs without a libssl to govern: what do they use? */
static bool check_own_tls(int fd, const struct elf_facts *facts, struct marks *marks, struct binary *binary)
{
    const char *missing;
    switch (exported_find(fd, &missing)) {
    case EXPORTED_NONE:
        return check_marks(fd, facts, marks, binary) && check_linked_in(marks, binary);
    case EXPORTED_PARTLY:
        return verdict(binary, BINARY_UNGOVERNED,
                       "it has TLS linked in and exports it, but no %s; only OpenSSL 1.1.1 to 4 can be "
                       "governed, where all its functions are exported: use a build with a shared OpenSSL",
                       missing);
    case EXPORTED_ALL:
        binary->exports_openssl = true;
        return true;
    case EXPORTED_FAILED:
        break;
    }
    return verdict(binary, BINARY_UNDECIDED, "its dynamic symbols cannot be read");
}

static void judge_exported(int fd, const char *ungoverned, const char *missing, struct binary *binary)
{
    char version[VERSION_SIZE];
    version_find(fd, version);
    verdict(binary, BINARY_GOVERNABLE, "it has OpenSSL%s%s linked in, and exports it%s%s",
            version[0] != '\0' ? " " : "", version, ungoverned, missing);
}

static void judge_needs(int fd, const struct marks *marks, struct binary *binary)
{
    const struct needs *needs = &binary->needs;
    char governed[NEEDS_TEXT_SIZE];
    char others[NEEDS_TEXT_SIZE];
    char ungoverned[NEEDS_TEXT_SIZE + 64] = "";
    char linked_in[MARKS_NAME_SIZE + 96] = "";
    char missing[ELF_NAME_SIZE + 64] = "";
    needs_text(needs, true, governed);
    needs_text(needs, false, others);
    if (others[0] != '\0')
        snprintf(ungoverned, sizeof ungoverned, "; what it does through %s is not governed", others);
    if (marks->certain)
        snprintf(linked_in, sizeof linked_in,
                 "; what it does through a TLS of its own, linked in statically (%s), is not governed",
                 marks->implementation);
    if (needs->missing[0] != '\0')
        snprintf(missing, sizeof missing, "; it needs %s, which is not found", needs->missing);
    if (binary->exports_openssl)
        judge_exported(fd, ungoverned, missing, binary);
    else if (governed[0] != '\0')
        verdict(binary, BINARY_GOVERNABLE, "it needs %s%s%s%s", governed, ungoverned, linked_in, missing);
    else if (others[0] != '\0')
        verdict(binary, BINARY_UNGOVERNED,
                "it needs %s, and no libssl of OpenSSL 1.1.1 to 4; only that can be governed: %s%s", others,
                needs_advice(needs), missing);
    else
        verdict(binary, BINARY_GOVERNABLE,
                "it needs no TLS library at start; it may load one later%s%s%s, and if that is OpenSSL it is "
                "governed%s",
                marks->libssl[0] != '\0' ? " (it names " : "", marks->libssl,
                marks->libssl[0] != '\0' ? ")" : "", missing);
}

bool binary_judge_file(int fd, const struct elf_facts *facts, const char *fault,
                       const struct library *library, struct binary *binary)
{
    memset(binary, 0, sizeof *binary);
    return check_kind(facts, fault, library, binary) && check_rights(fd, binary) && check_go(facts, binary) &&
           check_loader_name(facts, binary);
}

void binary_judge(const char *path, int fd, const struct elf_facts *facts, const char *fault,
                  const struct library *library, struct binary *binary)
{
    struct marks marks = {.tls = false};
    if (!binary_judge_file(fd, facts, fault, library, binary) || !check_loader(facts, binary) ||
        !check_library_path(library, binary) || !check_loading(path, facts, library, binary))
        return;
    bool governed = needs_has(&binary->needs, TLS_GOVERNED);
    if (governed ? !check_marks(fd, facts, &marks, binary) : !check_own_tls(fd, facts, &marks, binary))
        return;
    if (governed || binary->exports_openssl)
        needs_drop_uncertain(&binary->needs);
    judge_needs(fd, &marks, binary);
}
