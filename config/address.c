#include "config/address.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define NAME_MAX_LENGTH 253 /* RFC 1035, without the final dot */
#define PORT_MAX_LENGTH 5
#define ALLOWED         "; allowed are host:port, [IPv6 address]:port and unix:/path"

static const char unix_scheme[] = "unix:";

/* `host:port`, taken apart. */
struct host_port {
    char host[NAME_MAX_LENGTH + 1];
    char port[PORT_MAX_LENGTH + 1];
    bool bracketed; /* the host was, so it is an IPv6 address */
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_port(const char *text)
{
    unsigned value = 0;
    size_t i = 0;
    for (; i < PORT_MAX_LENGTH && text[i] >= '0' && text[i] <= '9'; i++)
        value = 10 * value + (unsigned)(text[i] - '0');
    return i > 0 && text[i] == '\0' && value >= 1 && value <= 65535;
}

/* NULL: done. Else what is wrong, static. */
static const char *split(const char *text, struct host_port *parts)
{
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    const char *host = text;
    if (strstr(text, "://") != NULL)
        return "is a URL" ALLOWED;
    if (text[0] == '/')
        return "is a path; write unix: before that of a socket";
    if (colon == NULL || (bracket != NULL && colon < bracket))
        return "has no port; write it behind a colon, as in localhost:6379 and [::1]:6379";
    size_t length = (size_t)(colon - text);
    parts->bracketed = text[0] == '[' && length > 1 && colon[-1] == ']';
    if (parts->bracketed) {
        host++;
        length -= 2;
    } else if (memchr(text, ':', length) != NULL) {
        return "has several colons; write an IPv6 address in brackets, as in [::1]:6379";
    }
    if (length == 0 || length > NAME_MAX_LENGTH)
        return "has no host, or one of more than 253 characters" ALLOWED;
    if (!is_port(colon + 1))
        return "has no port from 1 to 65535 behind its last colon" ALLOWED;
    memcpy(parts->host, host, length);
    parts->host[length] = '\0';
    memcpy(parts->port, colon + 1, strlen(colon + 1) + 1);
    return NULL;
}

static bool is_name(const char *text)
{
    for (; *text != '\0'; text++) {
        bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
        if (!letter && (*text < '0' || *text > '9') && strchr("-._", *text) == NULL)
            return false;
    }
    return true;
}

/* What getaddrinfo(3) returned. */
static int look_up(const struct host_port *parts, int flags, struct store_settings *store)
{
    const struct addrinfo hints = {
        .ai_flags = flags | AI_NUMERICSERV,
        .ai_family = parts->bracketed ? AF_INET6 : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *list;
    int failure = getaddrinfo(parts->host, parts->port, &hints, &list);
    if (failure != 0)
        return failure;
    for (const struct addrinfo *item = list; item != NULL && store->address_count < STORE_ADDRESSES_MAX;
         item = item->ai_next) {
        struct store_address *address = &store->addresses[store->address_count];
        if (item->ai_addrlen > sizeof address->address)
            continue;
        memcpy(&address->address, item->ai_addr, item->ai_addrlen);
        address->length = item->ai_addrlen;
        store->address_count++;
    }
    freeaddrinfo(list);
    return 0;
}

static const char *read_unix(const char *text, struct store_settings *store)
{
    const char *path = text + strlen(unix_scheme);
    size_t length = strlen(path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path[0] != '/')
        return "has a relative path; write it from / on, unix:/path";
    if (length >= sizeof address.sun_path)
        return "has a path that is too long for a socket; allowed are 107 characters";
    memcpy(address.sun_path, path, length);
    memcpy(&store->addresses[0].address, &address, sizeof address);
    store->addresses[0].length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    store->address_count = 1;
    return NULL;
}

static const char *fault_of(const char *text, struct store_settings *store)
{
    struct host_port parts;
    if (begins(text, unix_scheme))
        return read_unix(text, store);
    const char *fault = split(text, &parts);
    if (fault != NULL || look_up(&parts, AI_NUMERICHOST, store) == 0)
        return fault;
    if (parts.bracketed)
        return "has no IPv6 address in its brackets" ALLOWED;
    if (!is_name(parts.host))
        return "has no name of a host before its port" ALLOWED
               ", and a name that is not ASCII as its A-label (xn--...)";
    return NULL;
}

const char *address_read(struct arena *arena, const char *text, struct store_settings *store)
{
    store->address = text;
    store->address_count = 0;
    const char *fault = fault_of(text, store);
    if (fault == NULL)
        return NULL;
    const char *said = arena_printf(arena, "\"%.120s\" %s", text, fault);
    return said != NULL ? said : fault;
}

const char *address_resolve(struct store_settings *store)
{
    struct host_port parts;
    if (store->type != STORE_REDIS || store->address_count > 0)
        return NULL;
    if (store->address == NULL)
        return "there is not enough memory";
    const char *fault = split(store->address, &parts);
    if (fault != NULL)
        return fault;
    int failure = look_up(&parts, 0, store);
    if (failure != 0)
        return gai_strerror(failure);
    return store->address_count > 0 ? NULL : "it has no address";
}
