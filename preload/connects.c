#include "preload/connects.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

/*
 * A place of the ring. `state` is even while nobody writes, and grows by two with every record, so that a
 * reader sees when the words are not of one record. A writer that never finished (its process was forked
 * meanwhile) costs one place.
 */
struct place {
    atomic_uint state;
    _Atomic(uint64_t) number; /* the order of the calls, from 1; 0: empty */
    _Atomic(uint64_t) words[3];
};
static struct place ring[CONNECTS_MAX];
static _Atomic(uint64_t) calls;

_Static_assert(sizeof(struct connect_record) == 24, "three words");

static bool put(struct place *place, uint64_t number, const struct connect_record *record)
{
    uint64_t words[3];
    unsigned state = atomic_load_explicit(&place->state, memory_order_relaxed);
    if ((state & 1) != 0 || !atomic_compare_exchange_strong(&place->state, &state, state + 1))
        return false;
    memcpy(words, record, sizeof words);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&place->number, number, memory_order_relaxed);
    for (size_t i = 0; i < 3; i++)
        atomic_store_explicit(&place->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&place->state, state + 2, memory_order_release);
    return true;
}

/* False: empty, or in the middle of being written. */
static bool get(struct place *place, uint64_t *number, struct connect_record *record)
{
    uint64_t words[3];
    unsigned state = atomic_load_explicit(&place->state, memory_order_acquire);
    *number = atomic_load_explicit(&place->number, memory_order_relaxed);
    for (size_t i = 0; i < 3; i++)
        words[i] = atomic_load_explicit(&place->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if ((state & 1) != 0 || *number == 0 ||
        atomic_load_explicit(&place->state, memory_order_relaxed) != state)
        return false;
    memcpy(record, words, sizeof words);
    return true;
}

void connects_remember(int descriptor, const struct sockaddr *address, size_t size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in6 largest;
    } copy = {.largest = {0}}; /* the kernel takes an IPv6 address without its last member, too */
    struct domain domain;
    struct connect_record record = {.descriptor = descriptor};
    if (address == NULL || size < sizeof(struct sockaddr_in))
        return;
    memcpy(&copy, address, size < sizeof copy ? size : sizeof copy);
    if (!domain_from_sockaddr(&copy.any, &domain, &record.port) || record.port == 0)
        return; /* port 0: a resolver asks for a route */
    memcpy(record.address, domain.text, sizeof record.address);
    for (size_t tries = 0; tries < CONNECTS_MAX; tries++) {
        uint64_t number = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1;
        if (put(&ring[number % CONNECTS_MAX], number, &record))
            return;
    }
}

static bool is_superseded(const struct connect_record *newer, size_t count, int descriptor)
{
    for (size_t i = 0; i < count; i++) {
        if (newer[i].descriptor == descriptor)
            return true;
    }
    return false;
}

size_t connects_recent(struct connect_record recent[CONNECTS_MAX])
{
    uint64_t last = atomic_load_explicit(&calls, memory_order_acquire);
    uint64_t number;
    size_t count = 0;
    for (uint64_t i = 0; i < CONNECTS_MAX && i < last; i++) {
        if (get(&ring[(last - i) % CONNECTS_MAX], &number, &recent[count]) &&
            !is_superseded(recent, count, recent[count].descriptor))
            count++;
    }
    return count;
}

bool connect_is_open(const struct connect_record *record)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } remote;
    struct domain address;
    uint16_t port;
    int type = 0;
    int error = errno;
    socklen_t size = sizeof remote;
    socklen_t type_size = sizeof type;
    bool open = getpeername(record->descriptor, &remote.any, &size) == 0 &&
                domain_from_sockaddr(&remote.any, &address, &port) && port == record->port &&
                memcmp(address.text, record->address, sizeof record->address) == 0 &&
                getsockopt(record->descriptor, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 &&
                type == SOCK_STREAM;
    errno = error;
    return open;
}
