#include "preload/params.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "preload/pointer_map.h"
#include "preload/process.h"

/* What is known of a param. */
struct entry {
    const struct crypto *crypto;
    char *hosts;                    /* each with its NUL, one behind the other; NULL: none */
    size_t length;                  /* of all that */
    char address[INET6_ADDRSTRLEN]; /* "": none */
};

static struct pointer_map entries; /* guarded by process_lock() */
static atomic_bool in_use;         /* something was added: else nobody needs the lock */

static void free_entry(struct entry *entry)
{
    if (entry != NULL)
        free(entry->hosts);
    free(entry);
}

bool params_add(const X509_VERIFY_PARAM *param, const struct crypto *crypto)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return false;
    entry->crypto = crypto;
    process_lock();
    struct entry *stale = pointer_map_take(&entries, param);
    bool done = pointer_map_set(&entries, param, entry);
    if (done)
        atomic_store_explicit(&in_use, true, memory_order_release);
    process_unlock();
    free_entry(stale);
    if (!done)
        free_entry(entry);
    return done;
}

/* With the lock held; NULL, and the lock is not held: the param was not added. */
static struct entry *hold(const X509_VERIFY_PARAM *param)
{
    if (param == NULL || !atomic_load_explicit(&in_use, memory_order_acquire))
        return NULL;
    process_lock();
    struct entry *entry = pointer_map_get(&entries, param);
    if (entry == NULL)
        process_unlock();
    return entry;
}

void params_remove(const X509_VERIFY_PARAM *param)
{
    if (param == NULL || !atomic_load_explicit(&in_use, memory_order_acquire))
        return;
    process_lock();
    struct entry *entry = pointer_map_take(&entries, param);
    process_unlock();
    free_entry(entry);
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
    const struct entry *source = pointer_map_get(&entries, from);
    for (size_t at = 0; source != NULL && done && at < source->length; at += strlen(source->hosts + at) + 1)
        done = append(target, source->hosts + at, strlen(source->hosts + at));
    if (source != NULL && source->address[0] != '\0')
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
