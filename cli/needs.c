#include "cli/needs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/exported.h"
#include "cli/marks.h"

static const char libssl[] = "libssl.so.";
static const char libcrypto[] = "libcrypto.so.";

/* -1: not found, or it cannot be read. */
static int open_library(const char *path)
{
    return path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
}

/* A libssl with a name that tells nothing may tell it in its DT_SONAME. */
static struct tls_library identify_by_soname(int fd, struct tls_library unknown)
{
    struct elf_facts facts;
    char why[128];
    if (elf_read(fd, &facts, why, sizeof why) != ELF_READ)
        return unknown;
    struct tls_library library = tls_identify(facts.soname);
    return library.kind == TLS_NONE ? unknown : library;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void add_crypto(struct needs *needs, const char *name, const char *path)
{
    int fd = open_library(path);
    if (fd < 0)
        return;
    if (needs->crypto_count < NEEDS_CRYPTO_MAX) {
        struct need *crypto = &needs->crypto[needs->crypto_count++];
        snprintf(crypto->name, sizeof crypto->name, "%s", name);
        version_find(fd, crypto->version);
    }
    close(fd);
}

/* NULL: there are too many. */
static struct need *add(struct needs *needs, const struct tls_library *library, const char *name,
                        const char *version)
{
    if (needs->count == NEEDS_MAX)
        return NULL;
    struct need *need = &needs->at[needs->count++];
    memset(need, 0, sizeof *need);
    snprintf(need->name, sizeof need->name, "%s", name);
    snprintf(need->version, sizeof need->version, "%s", version);
    need->library = *library;
    return need;
}

static void add_tls(struct needs *needs, struct tls_library library, const char *name, const char *path)
{
    char version[VERSION_SIZE] = "";
    int fd = library.kind == TLS_OTHER ? -1 : open_library(path);
    if (fd >= 0) {
        if (library.kind == TLS_UNKNOWN)
            library = identify_by_soname(fd, library);
        if (library.kind == TLS_GOVERNED)
            version_find(fd, version);
        close(fd);
    }
    add(needs, &library, name, version);
}

/* These two, which every program needs, have no TLS in them. */
static bool is_of_libc(const char *name)
{
    return strcmp(name, "libc.so.6") == 0 || strcmp(name, "libm.so.6") == 0;
}

/* One that exports an OpenSSL whole is governed, as a libssl is. */
static void add_linked_in(struct needs *needs, const char *name, const char *path)
{
    char version[VERSION_SIZE] = "";
    const char *missing;
    struct marks marks;
    int fd = is_of_libc(name) ? -1 : open_library(path);
    if (fd < 0)
        return;
    if (marks_find_tls(fd, &marks) && marks.tls) {
        bool exported = exported_find(fd, &missing) == EXPORTED_ALL;
        if (exported)
            version_find(fd, version);
        struct need *need = add(needs, exported ? &tls_exported : &tls_linked_in, name, version);
        if (need != NULL)
            need->uncertain = !exported && !marks.certain;
    }
    close(fd);
}

void needs_add(struct needs *needs, const char *name, const char *path)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    if (path == NULL && needs->missing[0] == '\0')
        snprintf(needs->missing, sizeof needs->missing, "%s", base);
    struct tls_library library = tls_identify(base);
    if (library.kind != TLS_NONE)
        add_tls(needs, library, base, path);
    else if (starts(base, libcrypto))
        add_crypto(needs, base, path);
    else
        add_linked_in(needs, base, path);
}

void needs_drop_uncertain(struct needs *needs)
{
    size_t kept = 0;
    for (size_t i = 0; i < needs->count; i++) {
        if (!needs->at[i].uncertain)
            needs->at[kept++] = needs->at[i];
    }
    needs->count = kept;
}

bool needs_has(const struct needs *needs, enum tls_kind kind)
{
    for (size_t i = 0; i < needs->count; i++) {
        if (needs->at[i].library.kind == kind)
            return true;
    }
    return false;
}

/* Empty: not known. */
static const char *version_of(const struct needs *needs, const struct need *need)
{
    if (need->version[0] != '\0' || !starts(need->name, libssl))
        return need->version;
    const char *line = need->name + strlen(libssl);
    for (size_t i = 0; i < needs->crypto_count; i++) {
        if (strcmp(needs->crypto[i].name + strlen(libcrypto), line) == 0)
            return needs->crypto[i].version;
    }
    return "";
}

void needs_text(const struct needs *needs, bool governed, char text[NEEDS_TEXT_SIZE])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < needs->count && used < NEEDS_TEXT_SIZE; i++) {
        const struct need *need = &needs->at[i];
        if ((need->library.kind == TLS_GOVERNED) != governed)
            continue;
        const char *version = governed ? version_of(needs, need) : "";
        const char *between = used > 0 ? ", " : "";
        int length =
            need->library.kind == TLS_LINKED_IN
                ? snprintf(text + used, NEEDS_TEXT_SIZE - used, "%s%s (%s)", between, need->name,
                           need->library.words)
                : snprintf(text + used, NEEDS_TEXT_SIZE - used, "%s%s%s (%s)", between,
                           version[0] != '\0' ? "OpenSSL " : need->library.words, version, need->name);
        used += length > 0 ? (size_t)length : 0;
    }
}

const char *needs_advice(const struct needs *needs)
{
    for (size_t i = 0; i < needs->count; i++) {
        if (needs->at[i].library.kind != TLS_GOVERNED)
            return needs->at[i].library.advice;
    }
    return NULL;
}
