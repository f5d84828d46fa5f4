#include "preload/connects.h"

#include <errno.h>
#include <linux/tcp.h> /* the C library's own struct tcp_info is shorter */
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* The number of TCP_SYN_SENT in netinet/tcp.h, which does not go together with linux/tcp.h. */
#define STATE_SYN_SENT 2

/*
 * A place of the ring. `state` is even while nobody writes, and grows by two with every record, so that a
 * reader sees when the words are not of one record, and a writer when another one was there first. A writer
 * that never finished (its process was forked meanwhile) costs one place.
 */
struct place {
    atomic_uint state;
    _Atomic(uint64_t) number; /* the order of the calls, from 1; 0: empty */
    _Atomic(uint64_t) words[3];
};
static struct place ring[CONNECTS_MAX];
static _Atomic(uint64_t) calls;
static atomic_bool incomplete;

/* Descriptors that were connected to a socket of AF_UNIX, plus 1; 0: a free place. */
#define UNIX_MAX 16
static atomic_int unix_places[UNIX_MAX];
static atomic_bool unix_forgotten;

_Static_assert(sizeof(struct connect_record) == 24, "three words");

/* What a place held at one moment. */
struct view {
    unsigned state;
    bool whole;      /* nobody was writing; else only `state` counts */
    uint64_t number; /* 0: it was empty, and there is no record */
    struct connect_record record;
};

static void look(struct place *place, struct view *view)
{
    uint64_t words[3];
    view->state = atomic_load_explicit(&place->state, memory_order_acquire);
    view->number = atomic_load_explicit(&place->number, memory_order_relaxed);
    for (size_t i = 0; i < 3; i++)
        words[i] = atomic_load_explicit(&place->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    view->whole =
        (view->state & 1) == 0 && atomic_load_explicit(&place->state, memory_order_relaxed) == view->state;
    memcpy(&view->record, words, sizeof words);
}

/* Writes over what was in view. False: that is not there any more. */
static bool put(struct place *place, const struct view *view, uint64_t number,
                const struct connect_record *record)
{
    uint64_t words[3];
    unsigned state = view->state;
    if (!view->whole || !atomic_compare_exchange_strong(&place->state, &state, state + 1))
        return false;
    memcpy(words, record, sizeof words);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&place->number, number, memory_order_relaxed);
    for (size_t i = 0; i < 3; i++)
        atomic_store_explicit(&place->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&place->state, state + 2, memory_order_release);
    return true;
}

/* False: it is no TCP socket, or the kernel is older than the member that ends at `end`. */
static bool tcp_state(int descriptor, struct tcp_info *info, size_t end)
{
    int error = errno;
    socklen_t size = sizeof *info;
    bool told = getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, &size) == 0 && size >= end;
    errno = error;
    return told;
}

#define END_OF(member) (offsetof(struct tcp_info, member) + sizeof((struct tcp_info *)NULL)->member)

/* Neither is its connection there, nor will it be. */
static bool is_over(const struct connect_record *record)
{
    struct tcp_info info;
    if (connect_is_open(record))
        return false;
    return !tcp_state(record->descriptor, &info, END_OF(tcpi_state)) || info.tcpi_state != STATE_SYN_SENT;
}

/* A descriptor that connects has no earlier connection any more. */
static bool put_over_same_descriptor(uint64_t number, const struct connect_record *record)
{
    struct view view;
    for (size_t i = 0; i < CONNECTS_MAX; i++) {
        look(&ring[i], &view);
        if (view.number != 0 && view.record.descriptor == record->descriptor &&
            put(&ring[i], &view, number, record))
            return true;
    }
    return false;
}

static bool put_in_free_place(uint64_t number, const struct connect_record *record)
{
    struct view view;
    for (size_t i = 0; i < CONNECTS_MAX; i++) {
        struct place *place = &ring[(number + i) % CONNECTS_MAX];
        look(place, &view);
        if (view.whole && (view.number == 0 || is_over(&view.record)) && put(place, &view, number, record))
            return true;
    }
    return false;
}

static void put_anywhere(uint64_t number, const struct connect_record *record)
{
    struct view view;
    for (size_t i = 0; i < CONNECTS_MAX; i++) {
        struct place *place = &ring[(number + i) % CONNECTS_MAX];
        look(place, &view);
        if (put(place, &view, number, record))
            return;
    }
}

static bool is_open_unix(int descriptor)
{
    struct sockaddr_storage remote = {.ss_family = AF_UNSPEC};
    int type = 0;
    int error = errno;
    socklen_t size = sizeof remote;
    socklen_t type_size = sizeof type;
    bool open = getpeername(descriptor, (struct sockaddr *)&remote, &size) == 0 &&
                remote.ss_family == AF_UNIX &&
                getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type == SOCK_STREAM;
    errno = error;
    return open;
}

static void remember_unix(int descriptor)
{
    for (size_t i = 0; i < UNIX_MAX; i++) {
        if (atomic_load_explicit(&unix_places[i], memory_order_relaxed) == descriptor + 1)
            return;
    }
    for (size_t i = 0; i < UNIX_MAX; i++) {
        int held = atomic_load_explicit(&unix_places[i], memory_order_relaxed);
        if ((held == 0 || !is_open_unix(held - 1)) &&
            atomic_compare_exchange_strong(&unix_places[i], &held, descriptor + 1))
            return;
    }
    atomic_store_explicit(&unix_forgotten, true, memory_order_release);
}

bool connects_have_unix(void)
{
    if (atomic_load_explicit(&unix_forgotten, memory_order_acquire))
        return true;
    for (size_t i = 0; i < UNIX_MAX; i++) {
        int held = atomic_load_explicit(&unix_places[i], memory_order_acquire);
        if (held != 0 && is_open_unix(held - 1))
            return true;
    }
    return false;
}

void connects_remember(int descriptor, const struct sockaddr *address, size_t size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in6 largest;
    } copy = {.largest = {0}}; /* the kernel takes an IPv6 address without its last member, too */
    struct domain domain;
    struct connect_record record = {.descriptor = descriptor};
    if (address != NULL && size >= sizeof address->sa_family && address->sa_family == AF_UNIX)
        remember_unix(descriptor);
    if (address == NULL || size < sizeof(struct sockaddr_in))
        return;
    memcpy(&copy, address, size < sizeof copy ? size : sizeof copy);
    if (!domain_from_sockaddr(&copy.any, &domain, &record.port) || record.port == 0)
        return; /* port 0: a resolver asks for a route */
    domain_as_reached(&domain);
    memcpy(record.address, domain.text, sizeof record.address);
    uint64_t number = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1;
    if (put_over_same_descriptor(number, &record))
        return;
    /* Once something is forgotten it makes no difference what else is. */
    if (!connects_are_incomplete() && put_in_free_place(number, &record))
        return;
    atomic_store_explicit(&incomplete, true, memory_order_release);
    put_anywhere(number, &record);
}

bool connects_are_incomplete(void)
{
    return atomic_load_explicit(&incomplete, memory_order_acquire);
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
    uint64_t numbers[CONNECTS_MAX];
    struct view view;
    size_t found = 0;
    size_t count = 0;
    if (atomic_load_explicit(&calls, memory_order_acquire) == 0)
        return 0;
    for (size_t i = 0; i < CONNECTS_MAX; i++) {
        if (atomic_load_explicit(&ring[i].number, memory_order_relaxed) == 0)
            continue; /* most programs have few */
        look(&ring[i], &view);
        if (!view.whole || view.number == 0)
            continue;
        size_t at = found++;
        for (; at > 0 && numbers[at - 1] < view.number; at--) {
            numbers[at] = numbers[at - 1];
            recent[at] = recent[at - 1];
        }
        numbers[at] = view.number;
        recent[at] = view.record;
    }
    for (size_t i = 0; i < found; i++) {
        if (!is_superseded(recent, count, recent[i].descriptor))
            recent[count++] = recent[i];
    }
    return count;
}

uint64_t connect_received(int descriptor)
{
    struct tcp_info info;
    return tcp_state(descriptor, &info, END_OF(tcpi_bytes_received)) ? info.tcpi_bytes_received : 0;
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
