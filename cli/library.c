#include "cli/library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* /proc may not be mounted: then what exec was given. */
bool library_own_path(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length > 0) {
        path[length] = '\0';
        return path[0] == '/';
    }
    const char *started = (const char *)getauxval(AT_EXECFN);
    return started != NULL && realpath(started, path) != NULL;
}

#define LIBRARY_NAME "libtlsgraft.so"

/* Takes the last element off; false: there is none. */
static bool cut_element(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

static bool find(char path[PATH_MAX])
{
    static const char place[] = "/lib/tlsgraft/" LIBRARY_NAME;
    if (!library_own_path(path) || !cut_element(path) || !cut_element(path))
        return false;
    size_t length = strlen(path);
    if (length + sizeof place > PATH_MAX)
        return false;
    memcpy(path + length, place, sizeof place);
    return true;
}

/* The loader splits LD_PRELOAD at both. */
static const char separators[] = " :";

/* Ours first; the others in their order, without a second one of ours. */
static char *preload_value(const char *path, const char *present)
{
    size_t length = strlen(path);
    const char *at = present != NULL ? present : "";
    char *value = malloc(length + strlen(at) + 2);
    if (value == NULL)
        return NULL;
    memcpy(value, path, length + 1);
    size_t used = length;
    while (*(at += strspn(at, separators)) != '\0') {
        size_t size = strcspn(at, separators);
        if (size != length || memcmp(at, path, size) != 0) {
            value[used++] = ':';
            memcpy(value + used, at, size);
            used += size;
        }
        at += size;
    }
    value[used] = '\0';
    return value;
}

static bool is_ours(const char *word, size_t length)
{
    static const char name[] = LIBRARY_NAME;
    const size_t size = sizeof name - 1;
    return length >= size && memcmp(word + length - size, name, size) == 0 &&
           (length == size || word[length - size - 1] == '/');
}

bool library_leave_out(const char *present, char **value)
{
    const char *at = present != NULL ? present : "";
    size_t used = 0;
    bool found = false;
    *value = malloc(strlen(at) + 1);
    if (*value == NULL)
        return false;
    while (*(at += strspn(at, separators)) != '\0') {
        size_t size = strcspn(at, separators);
        if (is_ours(at, size)) {
            found = true;
        } else {
            if (used > 0)
                (*value)[used++] = ':';
            memcpy(*value + used, at, size);
            used += size;
        }
        at += size;
    }
    (*value)[used] = '\0';
    return found;
}

bool library_open(struct library *library, const char *present, char *why, size_t size)
{
    memset(library, 0, sizeof *library);
    if (!find(library->path)) {
        snprintf(why, size, "the place of this command, beside which libtlsgraft.so is, cannot be found");
        return false;
    }
    int fd = open(library->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        snprintf(why, size, "%s: %s", library->path, strerror(errno));
        return false;
    }
    char fault[128] = "no ELF file";
    enum elf_outcome outcome = elf_read(fd, &library->facts, fault, sizeof fault);
    close(fd);
    if (outcome != ELF_READ) {
        snprintf(why, size, "%s: it cannot be used: %s", library->path, fault);
        return false;
    }
    library->preload = preload_value(library->path, present);
    if (library->preload == NULL)
        snprintf(why, size, "not enough memory");
    return library->preload != NULL;
}

void library_close(struct library *library)
{
    free(library->preload);
    library->preload = NULL;
}

const char *library_path_fault(const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == ' ')
            return "has a space in it";
        if (*at == ':')
            return "has a colon in it";
        if (*at == '$')
            return "has a '$' in it";
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return "has a control character in it";
    }
    return NULL;
}
