#include "cli/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/deadline.h"

static struct addrinfo *resolve(const struct host *host, char *why, size_t size)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (host->is_address ? AI_NUMERICHOST : 0),
    };
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", host->port);
    int error = getaddrinfo(host->name, port, &hints, &found);
    if (error == 0)
        return found;
    snprintf(why, size,
             "the name does not resolve: %s; check its spelling, and the DNS settings of this machine",
             error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    return NULL;
}

/* 0: connected; else an errno. */
static int wait_for_connection(int fd, int milliseconds)
{
    const struct timespec deadline = deadline_in(milliseconds);
    struct pollfd polled = {fd, POLLOUT, 0};
    int ready;
    do
        ready = poll(&polled, 1, deadline_left(&deadline));
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return ready == 0 ? ETIMEDOUT : errno;
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

static int connect_to(const struct addrinfo *address, int milliseconds, int *error)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    if (fd < 0) {
        *error = errno;
        return -1;
    }
    *error = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (*error == EINPROGRESS || *error == EINTR)
        *error = wait_for_connection(fd, milliseconds);
    if (*error == 0)
        return fd;
    close(fd);
    return -1;
}

static const char *what_to_do(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "check the port, and that the server runs";
    case ETIMEDOUT:
        return "check the host and the port, and whether a firewall is in between";
    default:
        return "check the host, and the network of this machine";
    }
}

int dial(const struct host *host, int milliseconds, struct timespec *deadline, char *why, size_t size)
{
    struct addrinfo *addresses = resolve(host, why, size);
    int left = 0;
    int fd = -1;
    int first_error = 0;
    if (addresses == NULL)
        return -1;
    *deadline = deadline_in(milliseconds);
    for (const struct addrinfo *at = addresses; at != NULL; at = at->ai_next)
        left++;
    /* One that never answers leaves time for the others. The resolver puts first what can be reached best. */
    for (const struct addrinfo *at = addresses; at != NULL && fd < 0; at = at->ai_next, left--) {
        int error;
        fd = connect_to(at, deadline_left(deadline) / left, &error);
        if (first_error == 0)
            first_error = error;
    }
    freeaddrinfo(addresses);
    if (fd < 0)
        snprintf(why, size, "no connection: %s; %s", strerror(first_error), what_to_do(first_error));
    return fd;
}
