/* The store in a directory: listing, in the order of the files' times. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/hostio.h"
#include "policy/record.h"
#include "policy/store_directory.h"

/* A file of the listing. */
struct found {
    struct timespec time;
    char *id; /* malloc(3) */
};

struct listing {
    struct found *found;
    size_t count;
    size_t room;
};

static void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->found[i].id);
    free(listing->found);
}

static bool listing_add(struct listing *listing, const char *id, const struct timespec *time)
{
    if (listing->count == listing->room) {
        size_t room = listing->room == 0 ? 256 : 2 * listing->room;
        struct found *more = realloc(listing->found, room * sizeof *more);
        if (more == NULL)
            return false;
        listing->found = more;
        listing->room = room;
    }
    char *copy = strdup(id);
    if (copy == NULL)
        return false;
    listing->found[listing->count++] = (struct found){*time, copy};
    return true;
}

static int in_order_of_time(const void *left, const void *right)
{
    const struct found *a = left;
    const struct found *b = right;
    if (a->time.tv_sec != b->time.tv_sec)
        return a->time.tv_sec < b->time.tv_sec ? -1 : 1;
    if (a->time.tv_nsec != b->time.tv_nsec)
        return a->time.tv_nsec < b->time.tv_nsec ? -1 : 1;
    return strcmp(a->id, b->id);
}

/* The id that a file's name stands for, cut out of it. False: it is no record of the organisation. */
static bool id_of_file(char *name, const char *organisation)
{
    size_t length = strlen(name);
    size_t suffix = strlen(STORE_FILE_SUFFIX);
    if (length <= suffix || strcmp(name + length - suffix, STORE_FILE_SUFFIX) != 0)
        return false;
    name[length - suffix] = '\0';
    return store_is_of(organisation, name) && record_id_fault(name) == NULL;
}

static enum store_result collect(DIR *entries, const char *organisation, struct listing *listing, char *why)
{
    char words[STORE_ERROR_SIZE];
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(entries);
        struct stat status;
        if (entry == NULL)
            break;
        if (fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* deleted just now */
        if (id_of_file(entry->d_name, organisation) && !listing_add(listing, entry->d_name, &status.st_mtim))
            return store_fail(why, "there is not enough memory to list it");
    }
    return errno == 0 ? STORE_DONE : store_fail(why, "it cannot be listed: %s", store_error(errno, words));
}

static enum store_result find_records(const struct store_settings *store, const char *organisation,
                                      struct listing *listing, char *why)
{
    char words[STORE_ERROR_SIZE];
    int descriptor = hostio_open(store->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
    const char *fault = descriptor < 0 ? store_place_fault(store) : NULL;
    if (fault != NULL)
        return store_fail(why, "%s", fault);
    if (descriptor < 0 && errno == ENOENT)
        return STORE_DONE; /* it is made with the first record */
    DIR *entries = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (entries == NULL) {
        store_fail(why, "it cannot be listed: %s%s", store_error(errno, words),
                   errno == EACCES ? "; run this as a user who may read it" : "");
        if (descriptor >= 0)
            close(descriptor);
        return STORE_FAILED;
    }
    enum store_result result = collect(entries, organisation, listing, why);
    closedir(entries);
    return result;
}

enum store_result store_directory_list(const struct store_settings *store, const char *organisation,
                                       bool (*visit)(void *context, const struct store_listed *listed),
                                       void *context, char *why)
{
    struct listing listing = {0};
    bool more = true;
    enum store_result result = find_records(store, organisation, &listing, why);
    if (listing.count > 0)
        qsort(listing.found, listing.count, sizeof *listing.found, in_order_of_time);
    for (size_t i = 0; result == STORE_DONE && more && i < listing.count; i++) {
        struct store_text text = {0};
        struct store_listed listed = {.id = listing.found[i].id, .number = i, .total = listing.count};
        listed.result = store_file_read(store, listed.id, &text, why);
        listed.text = text.text;
        listed.length = text.length;
        listed.why = why;
        more = visit(context, &listed);
        store_text_free(&text);
    }
    listing_free(&listing);
    return result;
}
