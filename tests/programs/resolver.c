/* A preload that answers for a name of its own, and asks the next one for all others. */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    __typeof__(&getaddrinfo) next = (__typeof__(&getaddrinfo))dlsym(RTLD_NEXT, "getaddrinfo");
    if (node != NULL && strcmp(node, "wrapped.lab") == 0)
        node = "127.0.0.1";
    return next(node, service, hints, result);
}
