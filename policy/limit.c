#include "policy/limit.h"

#include <stddef.h>

static uint64_t key_of(unsigned kind, const char *domain)
{
    uint64_t hash = 14695981039346656037u;
    hash = (hash ^ kind) * 1099511628211u;
    for (; domain != NULL && *domain != '\0'; domain++)
        hash = (hash ^ (unsigned char)*domain) * 1099511628211u;
    return hash == 0 ? 1 : hash;
}

bool event_limit_allows(struct event_limit *limit, unsigned kind, const char *domain, time_t now,
                        unsigned *suppressed)
{
    uint64_t key = key_of(kind, domain);
    size_t at = 0;
    bool allowed = true;
    *suppressed = 0;
    host_lock(&limit->lock);
    for (size_t i = 0; i < EVENT_LIMIT_ENTRIES; i++) {
        if (limit->entries[i].key == key) {
            at = i;
            break;
        }
        if (limit->entries[i].key == 0 ||
            (limit->entries[at].key != 0 && limit->entries[i].since < limit->entries[at].since))
            at = i;
    }
    if (limit->entries[at].key != key)
        limit->entries[at].suppressed = 0;
    else if (now - limit->entries[at].since < EVENT_LIMIT_SECONDS)
        allowed = false;
    if (allowed) {
        *suppressed = limit->entries[at].suppressed;
        limit->entries[at].key = key;
        limit->entries[at].since = now;
        limit->entries[at].suppressed = 0;
    } else {
        limit->entries[at].suppressed++;
    }
    host_unlock(&limit->lock);
    return allowed;
}
