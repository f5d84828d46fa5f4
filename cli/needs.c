#include "cli/needs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/tls.h"

/* A libssl with a name that tells nothing may tell it in its DT_SONAME. */
static struct tls_library identify_by_soname(const char *path, struct tls_library unknown)
{
    struct elf_facts facts;
    char why[128];
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    if (fd < 0)
        return unknown;
    enum elf_outcome outcome = elf_read(fd, &facts, why, sizeof why);
    close(fd);
    struct tls_library library = {TLS_NONE, NULL};
    if (outcome == ELF_READ)
        library = tls_identify(facts.soname);
    return library.kind == TLS_NONE ? unknown : library;
}

static void append(char text[NEEDS_TEXT_SIZE], const char *words, const char *name)
{
    size_t used = strlen(text);
    snprintf(text + used, NEEDS_TEXT_SIZE - used, "%s%s (%s)", used > 0 ? ", " : "", words, name);
}

void needs_add(struct needs *needs, const struct trace_line *line)
{
    const char *slash = strrchr(line->name, '/');
    const char *name = slash != NULL ? slash + 1 : line->name;
    if (line->path == NULL && needs->missing[0] == '\0')
        snprintf(needs->missing, sizeof needs->missing, "%s", name);
    struct tls_library library = tls_identify(name);
    if (library.kind == TLS_UNKNOWN)
        library = identify_by_soname(line->path, library);
    if (library.kind == TLS_NONE)
        return;
    if (needs->count < NEEDS_MAX)
        snprintf(needs->names[needs->count++], ELF_NAME_SIZE, "%s", name);
    append(library.kind == TLS_GOVERNED ? needs->governed : needs->others, library.words, name);
}
