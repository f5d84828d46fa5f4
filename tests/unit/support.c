#include "tests/unit/support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void directory_make(struct directory *directory)
{
    snprintf(directory->path, sizeof directory->path, "/tmp/tlsgraft-unit-XXXXXX");
    if (mkdtemp(directory->path) == NULL)
        abort();
}

void directory_remove(const struct directory *directory)
{
    DIR *entries = opendir(directory->path);
    if (entries == NULL)
        abort();
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        unlinkat(dirfd(entries), entry->d_name, strcmp(entry->d_name, "sub") == 0 ? AT_REMOVEDIR : 0);
    closedir(entries);
    rmdir(directory->path);
}

const char *directory_write(const struct directory *directory, const char *name, const void *data,
                            size_t length)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory->path, name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t done = 0; done < length;) {
        ssize_t more = write(descriptor, (const char *)data + done, length - done);
        if (more <= 0)
            abort();
        done += (size_t)more;
    }
    close(descriptor);
    return path;
}

const char *directory_text(const struct directory *directory, const char *name, const char *text)
{
    return directory_write(directory, name, text, strlen(text));
}

char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static void collect(void *context, enum config_severity severity, const char *text)
{
    struct findings *findings = context;
    size_t used = strlen(findings->text);
    snprintf(findings->text + used, sizeof findings->text - used, "%s\n", text);
    findings->errors += severity == CONFIG_ERROR;
    findings->unresolved += severity == CONFIG_UNRESOLVED;
    findings->warnings += severity == CONFIG_WARNING;
}

struct policy *load_file(const char *path, struct findings *findings)
{
    const struct config_report report = {collect, findings};
    memset(findings, 0, sizeof *findings);
    return config_load(path, no_environment, &report);
}

struct policy *load_text(const struct directory *directory, const char *text, struct findings *findings)
{
    return load_file(directory_text(directory, "policy.cfg", text), findings);
}

static void *find(void *context, const char *name)
{
    return dlsym(context, name);
}

const struct ossl *crypto_table(void)
{
    static const char *const names[] = {"libcrypto.so.4", "libcrypto.so.3", "libcrypto.so.1.1"};
    static struct ossl table;
    void *library = NULL;
    for (size_t i = 0; library == NULL && i < sizeof names / sizeof *names; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library != NULL && ossl_fill_crypto(&table, find, library) == NULL ? &table : NULL;
}
