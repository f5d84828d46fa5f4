#include "preload/params.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "preload/process.h"

struct entry {
    const X509_VERIFY_PARAM *param; /* NULL: free */
    const struct crypto *crypto;
    char *hosts;                    /* each with its NUL, one behind the other; NULL: none */
    size_t length;                  /* of all that */
    char address[INET6_ADDRSTRLEN]; /* "": none */
};

/* Open addressing with a power of two of slots, at most half full; guarded by process_lock(). */
static struct entry *entries;
static size_t slots;
static size_t used;
static atomic_bool in_use; /* something was added: else nobody needs the lock */

static size_t home(const void *param)
{
    return (size_t)(((uintptr_t)param >> 4) * 0x9e3779b97f4a7c15U >> 20) & (slots - 1);
}

/* The param's entry, or the free one where it would be. */
static struct entry *find(const void *param)
{
    size_t i = home(param);
    while (entries[i].param != NULL && entries[i].param != param)
        i = (i + 1) & (slots - 1);
    return &entries[i];
}

static bool make_room(void)
{
    struct entry *old = entries;
    size_t old_slots = slots;
    if (2 * (used + 1) <= slots)
        return true;
    size_t wanted = slots == 0 ? 64 : 2 * slots;
    struct entry *larger = calloc(wanted, sizeof *larger);
    if (larger == NULL)
        return false;
    entries = larger;
    slots = wanted;
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].param != NULL)
            *find(old[i].param) = old[i];
    }
    free(old);
    return true;
}

bool params_add(const X509_VERIFY_PARAM *param, const struct crypto *crypto)
{
    process_lock();
    bool done = make_room();
    if (done) {
        struct entry *entry = find(param);
        used += entry->param == NULL;
        free(entry->hosts);
        *entry = (struct entry){.param = param, .crypto = crypto};
        atomic_store_explicit(&in_use, true, memory_order_release);
    }
    process_unlock();
    return done;
}

/* With the lock held; NULL, and the lock is not held: the param was not added. */
static struct entry *hold(const X509_VERIFY_PARAM *param)
{
    if (param == NULL || !atomic_load_explicit(&in_use, memory_order_acquire))
        return NULL;
    process_lock();
    struct entry *entry = find(param);
    if (entry->param != NULL)
        return entry;
    process_unlock();
    return NULL;
}

void params_remove(const X509_VERIFY_PARAM *param)
{
    struct entry *entry = hold(param);
    if (entry == NULL)
        return;
    free(entry->hosts);
    *entry = (struct entry){.param = NULL};
    used--;
    /* What stands behind the gap may have been put there because of it. */
    for (size_t i = (size_t)(entry - entries + 1) & (slots - 1); entries[i].param != NULL;
         i = (i + 1) & (slots - 1)) {
        struct entry moved = entries[i];
        entries[i] = (struct entry){.param = NULL};
        *find(moved.param) = moved;
    }
    process_unlock();
}

const struct crypto *params_crypto(const X509_VERIFY_PARAM *param)
{
    const struct entry *entry = hold(param);
    if (entry == NULL)
        return NULL;
    const struct crypto *crypto = entry->crypto;
    process_unlock();
    return crypto;
}

static bool has_host(const struct entry *entry, const char *name, size_t length)
{
    for (size_t at = 0; at < entry->length; at += strlen(entry->hosts + at) + 1) {
        if (strlen(entry->hosts + at) == length && memcmp(entry->hosts + at, name, length) == 0)
            return true;
    }
    return false;
}

static bool append(struct entry *entry, const char *name, size_t length)
{
    if (has_host(entry, name, length))
        return true;
    char *longer = realloc(entry->hosts, entry->length + length + 1);
    if (longer == NULL)
        return false;
    memcpy(longer + entry->length, name, length);
    longer[entry->length + length] = '\0';
    entry->hosts = longer;
    entry->length += length + 1;
    return true;
}

bool params_set_host(const X509_VERIFY_PARAM *param, const char *name, size_t length, bool add)
{
    struct entry *entry = hold(param);
    if (entry == NULL)
        return true;
    if (!add) {
        free(entry->hosts);
        entry->hosts = NULL;
        entry->length = 0;
    }
    bool done = length == 0 || append(entry, name, length);
    process_unlock();
    return done;
}

bool params_set_address(const X509_VERIFY_PARAM *param, const char *address)
{
    struct entry *entry = hold(param);
    if (entry == NULL)
        return true;
    bool fits = strlen(address) < sizeof entry->address;
    if (fits)
        memcpy(entry->address, address, strlen(address) + 1);
    process_unlock();
    return fits;
}

bool params_copy(const X509_VERIFY_PARAM *to, const X509_VERIFY_PARAM *from)
{
    bool done = true;
    struct entry *target = from == NULL ? NULL : hold(to);
    if (target == NULL)
        return true;
    const struct entry *source = find(from);
    for (size_t at = 0; source->param != NULL && done && at < source->length;
         at += strlen(source->hosts + at) + 1)
        done = append(target, source->hosts + at, strlen(source->hosts + at));
    if (source->param != NULL && source->address[0] != '\0')
        memcpy(target->address, source->address, sizeof target->address);
    process_unlock();
    return done;
}

void params_each(const X509_VERIFY_PARAM *param, params_visit *visit, void *context)
{
    const struct entry *entry = hold(param);
    if (entry == NULL)
        return;
    for (size_t at = 0; at < entry->length; at += strlen(entry->hosts + at) + 1)
        visit(entry->hosts + at, context);
    if (entry->address[0] != '\0')
        visit(entry->address, context);
    process_unlock();
}
