#include "config/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/hostio.h"

/* Many rules may name the same few files; that is noticed where they stand close to each other. */
#define LOOK_BACK 8

static struct watched_file state_of(const struct stat *status)
{
    if (status == NULL)
        return (struct watched_file){.present = false};
    struct watched_file state = {
        .present = true,
        .device = status->st_dev,
        .inode = status->st_ino,
        .mode = status->st_mode,
        .owner = status->st_uid,
    };
    /* What a directory holds is looked up when it is needed. */
    if (S_ISREG(status->st_mode)) {
        state.size = status->st_size;
        state.mtime = status->st_mtim;
    }
    return state;
}

static bool is_same(const struct watched_file *a, const struct watched_file *b)
{
    return a->present == b->present && a->device == b->device && a->inode == b->inode && a->mode == b->mode &&
           a->owner == b->owner && a->size == b->size && a->mtime.tv_sec == b->mtime.tv_sec &&
           a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static bool is_known(const struct watch *watch, const char *path, const struct watched_file *state)
{
    for (size_t i = watch->count; i > 0 && watch->count - i < LOOK_BACK; i--) {
        const struct watched_file *file = &watch->files[i - 1];
        if (is_same(file, state) && strcmp(file->path, path) == 0)
            return true;
    }
    return false;
}

static bool make_room(struct watch *watch)
{
    if (watch->count < watch->capacity)
        return true;
    size_t capacity = watch->capacity == 0 ? 4 : 2 * watch->capacity;
    struct watched_file *files = realloc(watch->files, capacity * sizeof *files);
    if (files == NULL)
        return false;
    watch->files = files;
    watch->capacity = capacity;
    return true;
}

void watch_add(struct watch *watch, const char *path, const struct stat *status)
{
    struct watched_file file = state_of(status);
    if (is_known(watch, path, &file))
        return;
    file.path = make_room(watch) ? strdup(path) : NULL;
    if (file.path == NULL)
        watch->failed = true;
    else
        watch->files[watch->count++] = file;
}

/* Not whether it is there: one without permission is, and would be read in vain again and again. */
static bool can_be_read(const char *path, const struct stat *status)
{
    if (!S_ISREG(status->st_mode)) /* opening a device may do something to it */
        return S_ISDIR(status->st_mode);
    int descriptor = hostio_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (descriptor >= 0)
        close(descriptor);
    return descriptor >= 0;
}

static bool has_changed(const struct watched_file *file)
{
    struct stat status;
    if (stat(file->path, &status) != 0)
        return file->present;
    if (!file->present)
        return can_be_read(file->path, &status);
    struct watched_file now = state_of(&status);
    return !is_same(file, &now);
}

bool watch_has_changed(const struct watch *watch)
{
    int error = errno;
    bool changed = watch->failed;
    for (size_t i = 0; i < watch->count && !changed; i++)
        changed = has_changed(&watch->files[i]);
    errno = error;
    return changed;
}

void watch_free(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        free(watch->files[i].path);
    free(watch->files);
    *watch = (struct watch){0};
}
