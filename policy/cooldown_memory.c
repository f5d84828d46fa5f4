#include "policy/cooldown_kind.h"

#include <string.h>

#include "policy/hostio.h"

/* A certificate takes two entries. In .bss: what is not used costs nothing. */
enum { BUCKETS = 512, WAYS = 8 };

struct entry {
    uint64_t key[2]; /* of the fingerprint, and the kind */
    int64_t end;     /* 0: free */
};

static struct entry entries[BUCKETS][WAYS];
static struct host_lock lock = HOST_LOCK_INITIAL;

struct host_lock *cooldown_lock(void)
{
    return &lock;
}

static struct entry *bucket_of(const struct cooldown *cooldown, uint64_t key[2])
{
    memcpy(key, cooldown->fingerprint, 2 * sizeof *key);
    key[0] = key[0] << 2 | cooldown->kind;
    return entries[key[1] % BUCKETS];
}

/* One that ends later than it ever would is of a clock that went backwards. */
static bool runs(const struct entry *entry, const uint64_t key[2], const struct cooldown *cooldown,
                 int64_t now)
{
    return entry->key[0] == key[0] && entry->key[1] == key[1] && entry->end > now &&
           entry->end - now <= (int64_t)cooldown->seconds * 1000;
}

/* Under the lock. NULL: it does not run. */
static const struct entry *find(const struct cooldown *cooldown, const struct entry *bucket,
                                const uint64_t key[2], int64_t now)
{
    for (int i = 0; i < WAYS; i++) {
        if (runs(&bucket[i], key, cooldown, now))
            return &bucket[i];
    }
    return NULL;
}

bool cooldown_memory_runs(const struct cooldown *cooldown, int64_t now)
{
    uint64_t key[2];
    const struct entry *bucket = bucket_of(cooldown, key);
    host_lock(&lock);
    bool found = find(cooldown, bucket, key, now) != NULL;
    host_unlock(&lock);
    return found;
}

/* Under the lock: the entry of this key that has ended, else the one that ends first. */
static struct entry *place_for(struct entry *bucket, const uint64_t key[2])
{
    struct entry *place = &bucket[0];
    for (int i = 0; i < WAYS; i++) {
        if (bucket[i].key[0] == key[0] && bucket[i].key[1] == key[1])
            return &bucket[i];
        if (bucket[i].end < place->end)
            place = &bucket[i];
    }
    return place;
}

bool cooldown_memory_begin(const struct cooldown *cooldown, int64_t now, int64_t end)
{
    uint64_t key[2];
    struct entry *bucket = bucket_of(cooldown, key);
    host_lock(&lock);
    bool begins = find(cooldown, bucket, key, now) == NULL;
    if (begins)
        *place_for(bucket, key) = (struct entry){{key[0], key[1]}, end};
    host_unlock(&lock);
    return begins;
}

void cooldown_memory_end(const struct cooldown *cooldown)
{
    uint64_t key[2];
    struct entry *bucket = bucket_of(cooldown, key);
    host_lock(&lock);
    for (int i = 0; i < WAYS; i++) {
        if (bucket[i].key[0] == key[0] && bucket[i].key[1] == key[1])
            bucket[i].end = 0;
    }
    host_unlock(&lock);
}
