#include "preload/answers.h"

#include <string.h>
#include <sys/socket.h>

#define NAMES_MAX     64
#define ADDRESSES_MAX 256

struct name {
    uint64_t used; /* when it was asked for last, in turns; 0: free */
    uint32_t hash;
    bool partial; /* not all of its addresses are there */
    uint8_t length;
    char text[DOMAIN_NAME_MAX];
};

/* An address, and a name that led to it. */
struct pair {
    uint64_t used; /* as above */
    uint16_t name;
    struct answer_address address;
};

static struct name names[NAMES_MAX];
static struct pair pairs[ADDRESSES_MAX];
/*
 * The addresses of pairs that are forgotten (a Bloom filter): another name may have led there. It never says
 * too little; when it is full it says so of every address.
 */
#define FORGOTTEN_BITS 8192
static uint64_t forgotten[FORGOTTEN_BITS / 64];
static bool not_all; /* there were addresses that were never taken down */
static size_t name_count;
static size_t pair_count;
static uint64_t turn;
static struct host_lock lock = HOST_LOCK_INITIAL;

struct host_lock *answers_lock(void)
{
    return &lock;
}

void answer_add(struct answer *answer, const struct sockaddr *address)
{
    struct domain domain;
    uint16_t port;
    if (!domain_from_sockaddr(address, &domain, &port))
        return;
    domain_as_reached(&domain);
    for (size_t i = 0; i < answer->count; i++) {
        if (memcmp(answer->addresses[i].bytes, domain.text, DOMAIN_ADDRESS_BYTES) == 0)
            return;
    }
    if (answer->count == ANSWERS_OF_ONE_MAX)
        answer->cut_off = true;
    else
        memcpy(answer->addresses[answer->count++].bytes, domain.text, DOMAIN_ADDRESS_BYTES);
}

/* Two bits for each. */
static void bits_of(const struct answer_address *address, uint32_t bits[2])
{
    struct domain domain = {.kind = DOMAIN_ADDRESS, .length = DOMAIN_ADDRESS_BYTES};
    memcpy(domain.text, address->bytes, DOMAIN_ADDRESS_BYTES);
    uint32_t hash = domain_hash(&domain);
    bits[0] = hash % FORGOTTEN_BITS;
    bits[1] = (hash >> 16) % FORGOTTEN_BITS;
}

static void forget(struct pair *pair)
{
    uint32_t bits[2];
    bits_of(&pair->address, bits);
    for (size_t i = 0; i < 2; i++)
        forgotten[bits[i] / 64] |= 1ULL << bits[i] % 64;
    pair->used = 0;
}

static bool may_be_forgotten(const struct answer_address *address)
{
    uint32_t bits[2];
    bits_of(address, bits);
    return not_all || ((forgotten[bits[0] / 64] >> bits[0] % 64 & 1) != 0 &&
                       (forgotten[bits[1] / 64] >> bits[1] % 64 & 1) != 0);
}

static struct name *find_name(const struct domain *domain, uint32_t hash)
{
    for (size_t i = 0; i < name_count; i++) {
        if (names[i].used != 0 && names[i].hash == hash && names[i].length == domain->length &&
            memcmp(names[i].text, domain->text, domain->length) == 0)
            return &names[i];
    }
    return NULL;
}

/* A free place, else that of the name that was asked for longest ago, whose addresses go with it. */
static struct name *make_name(const struct domain *domain, uint32_t hash)
{
    struct name *name = &names[0];
    if (name_count < NAMES_MAX) {
        name = &names[name_count++];
    } else {
        for (size_t i = 1; i < NAMES_MAX; i++) {
            if (names[i].used < name->used)
                name = &names[i];
        }
        for (size_t i = 0; i < pair_count; i++) {
            if (pairs[i].used != 0 && pairs[i].name == name - names)
                forget(&pairs[i]);
        }
    }
    name->hash = hash;
    name->partial = false;
    name->length = domain->length;
    memcpy(name->text, domain->text, domain->length);
    return name;
}

/* The pair itself where it is there, else a free place, else that of the oldest. */
static struct pair *place_for(uint16_t name, const struct answer_address *address)
{
    struct pair *oldest = &pairs[0];
    for (size_t i = 0; i < pair_count; i++) {
        struct pair *pair = &pairs[i];
        if (pair->used != 0 && pair->name == name && memcmp(&pair->address, address, sizeof *address) == 0)
            return pair;
        if (pair->used < oldest->used)
            oldest = pair;
    }
    if (pair_count > 0 && oldest->used == 0)
        return oldest;
    if (pair_count < ADDRESSES_MAX)
        return &pairs[pair_count++];
    names[oldest->name].partial = true;
    forget(oldest);
    return oldest;
}

void answers_remember(const struct domain *domain, const struct answer *answer)
{
    uint32_t hash = domain_hash(domain);
    if (domain->kind != DOMAIN_NAME || answer->count == 0)
        return;
    host_lock(&lock);
    struct name *name = find_name(domain, hash);
    if (name == NULL)
        name = make_name(domain, hash);
    name->used = ++turn;
    name->partial = name->partial || answer->cut_off;
    not_all = not_all || answer->cut_off;
    for (size_t i = 0; i < answer->count; i++) {
        uint16_t number = (uint16_t)(name - names);
        *place_for(number, &answer->addresses[i]) = (struct pair){turn, number, answer->addresses[i]};
    }
    host_unlock(&lock);
}

void answers_are_not_all(void)
{
    host_lock(&lock);
    not_all = true;
    host_unlock(&lock);
}

static bool is_of(const struct pair *pair, const struct domain *address)
{
    return pair->used != 0 && memcmp(pair->address.bytes, address->text, DOMAIN_ADDRESS_BYTES) == 0;
}

/*
 * Names that resolvers do not ask anybody for (RFC 6761, 6.3), and programs as curl not even a resolver.
 */
static bool is_localhost(const struct domain *domain)
{
    static const char localhost[] = "localhost";
    const size_t length = sizeof localhost - 1;
    return domain->length >= length &&
           memcmp(domain->text + domain->length - length, localhost, length) == 0 &&
           (domain->length == length || domain->text[domain->length - length - 1] == '.');
}

/* 127.0.0.0/8, as an IPv4-mapped address, and ::1. */
static bool is_loopback(const struct domain *address)
{
    static const char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (char)0xff, (char)0xff, 127};
    static const char v6[DOMAIN_ADDRESS_BYTES] = {[DOMAIN_ADDRESS_BYTES - 1] = 1};
    return memcmp(address->text, mapped, sizeof mapped) == 0 || memcmp(address->text, v6, sizeof v6) == 0;
}

enum lead answers_lead(const struct domain *domain, const struct domain *address)
{
    uint32_t hash = domain_hash(domain);
    enum lead lead = LEAD_UNKNOWN;
    if (domain->kind == DOMAIN_ADDRESS)
        return memcmp(domain->text, address->text, DOMAIN_ADDRESS_BYTES) == 0 ? LEAD_YES : LEAD_NO;
    host_lock(&lock);
    const struct name *name = find_name(domain, hash);
    if (name != NULL && !name->partial)
        lead = LEAD_NO;
    for (size_t i = 0; name != NULL && i < pair_count && lead != LEAD_YES; i++) {
        if (pairs[i].name == name - names && is_of(&pairs[i], address))
            lead = LEAD_YES;
    }
    bool asked = name != NULL;
    host_unlock(&lock);
    return !asked && is_localhost(domain) && is_loopback(address) ? LEAD_YES : lead;
}

bool answers_last_name(const struct domain *address, struct domain *name, bool *only)
{
    const struct pair *last = NULL;
    size_t count = 0;
    host_lock(&lock);
    for (size_t i = 0; i < pair_count; i++) {
        if (!is_of(&pairs[i], address))
            continue;
        count++;
        if (last == NULL || pairs[i].used > last->used)
            last = &pairs[i];
    }
    if (last != NULL) {
        const struct name *found = &names[last->name];
        *name = (struct domain){.kind = DOMAIN_NAME, .length = found->length};
        memcpy(name->text, found->text, found->length);
        *only = count == 1 && !may_be_forgotten(&last->address);
    }
    host_unlock(&lock);
    return last != NULL;
}
