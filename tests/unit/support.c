#include "tests/unit/support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct directory directory;
struct findings findings;

void fixture_make(void)
{
    directory_make(&directory);
}

void fixture_clean(void)
{
    directory_remove(&directory);
}

void directory_make(struct directory *place)
{
    snprintf(place->path, sizeof place->path, "/tmp/tlsgraft-unit-XXXXXX");
    if (mkdtemp(place->path) == NULL)
        abort();
}

void directory_remove(const struct directory *place)
{
    DIR *entries = opendir(place->path);
    if (entries == NULL)
        abort();
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        unlinkat(dirfd(entries), entry->d_name, strcmp(entry->d_name, "sub") == 0 ? AT_REMOVEDIR : 0);
    closedir(entries);
    rmdir(place->path);
}

const char *directory_write(const struct directory *place, const char *name, const void *data, size_t length)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", place->path, name);
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

const char *directory_text(const struct directory *place, const char *name, const char *text)
{
    return directory_write(place, name, text, strlen(text));
}

char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static void collect(void *context, enum config_severity severity, const char *text)
{
    struct findings *found = context;
    size_t used = strlen(found->text);
    snprintf(found->text + used, sizeof found->text - used, "%s\n", text);
    found->errors += severity == CONFIG_ERROR;
    found->unresolved += severity == CONFIG_UNRESOLVED;
    found->warnings += severity == CONFIG_WARNING;
}

struct policy *load_with(const char *path, config_getenv *getenv, struct findings *found, struct watch *watch)
{
    const struct config_report report = {collect, found};
    memset(found, 0, sizeof *found);
    return config_load(path, getenv, &report, watch);
}

struct policy *load_watched(const char *path, struct findings *found, struct watch *watch)
{
    return load_with(path, no_environment, found, watch);
}

struct policy *load_file(const char *path, struct findings *found)
{
    return load_watched(path, found, NULL);
}

struct policy *load_text(const struct directory *place, const char *text, struct findings *found)
{
    return load_file(directory_text(place, "policy.cfg", text), found);
}

static void *find(void *context, const char *name, uint32_t hash, size_t size)
{
    (void)hash;
    (void)size;
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

const char *text_of_file(const char *path)
{
    static char text[65536];
    int descriptor = open(path, O_RDONLY);
    ssize_t length = descriptor < 0 ? 0 : read(descriptor, text, sizeof text - 1);
    close(descriptor);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}
