/*
 * The hooks in front of libc: what the resolver answered, and where the process connected to. They remember,
 * and change nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "preload/answers.h"
#include "preload/connects.h"
#include "preload/hooks.h"
#include "preload/scope.h"

/* The names of the hooked functions, and their types. */
#define FUNCTIONS(F)                                                                                         \
    F(connect)                                                                                               \
    F(getaddrinfo)                                                                                           \
    F(getaddrinfo_a)                                                                                         \
    F(gethostbyname)                                                                                         \
    F(gethostbyname2)                                                                                        \
    F(gethostbyname_r)                                                                                       \
    F(gethostbyname2_r)

#define NUMBER(name) FUNCTION_##name,
enum function { FUNCTIONS(NUMBER) FUNCTION_COUNT };
_Static_assert(FUNCTION_COUNT <= SCOPE_AFTER_MAX, "all are searched for at once");

#define NAME(name) #name,
static const char *const function_names[] = {FUNCTIONS(NAME)};
static _Atomic(void *) next_functions[FUNCTION_COUNT];

static void find_all(void)
{
    void *found[FUNCTION_COUNT];
    scope_after(function_names, found, FUNCTION_COUNT);
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        atomic_store_explicit(&next_functions[i], found[i], memory_order_relaxed);
}

/* Found before main, for connect(2) may be called in a signal handler, and a search takes a lock. */
__attribute__((constructor)) static void on_start(void)
{
    find_all();
}

/* What would have been called without us. NULL: nobody has such a function. */
static void *next(enum function function)
{
    void *found = atomic_load_explicit(&next_functions[function], memory_order_relaxed);
    if (found == NULL) {
        /* A constructor that runs before ours. */
        find_all();
        found = atomic_load_explicit(&next_functions[function], memory_order_relaxed);
    }
    return found;
}

#define NEXT(name) ((__typeof__(&(name)))next(FUNCTION_##name))

/*
 * The modules of the C library's databases ask their daemons over streams of AF_UNIX, and may keep them. No
 * program's TLS goes through these.
 */
static bool is_database(const struct sockaddr *address, const void *caller)
{
    static const char begin[] = "libnss_";
    struct object object;
    return address != NULL && address->sa_family == AF_UNIX && object_of_address(caller, &object) &&
           object.soname != NULL && strncmp(object.soname, begin, sizeof begin - 1) == 0;
}

TLSGRAFT_EXPORT int connect(int descriptor, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    __typeof__(&connect) real = NEXT(connect);
    if (real == NULL) {
        errno = ENOSYS;
        return -1;
    }
    int result = real(descriptor, address, size);
    int error = errno;
    bool begun = result == 0 || error == EINPROGRESS || error == EINTR;
    const void *caller = __builtin_return_address(0);
    if (begun && !scope_is_own(caller) && !is_database(address.__sockaddr__, caller))
        connects_remember(descriptor, address.__sockaddr__, size);
    errno = error;
    return result;
}

/* Is it a name, and not an address in one of the many forms that the resolver reads? */
static bool is_name(const char *text, struct domain *name)
{
    struct in_addr address;
    return strchr(text, ':') == NULL && inet_aton(text, &address) == 0 && domain_from_peer(text, name);
}

static void remember(const char *text, const struct answer *answer)
{
    struct domain name;
    if (is_name(text, &name))
        answers_remember(&name, answer);
}

static void remember_list(const char *text, const struct addrinfo *list)
{
    struct answer answer;
    answer.count = 0;
    answer.cut_off = false;
    for (; list != NULL; list = list->ai_next) {
        if (list->ai_addr != NULL)
            answer_add(&answer, list->ai_addr);
    }
    remember(text, &answer);
}

static void remember_host(const char *text, const struct hostent *host)
{
    struct answer answer;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    bool v4 = host->h_addrtype == AF_INET && host->h_length == sizeof address.v4.sin_addr;
    bool v6 = host->h_addrtype == AF_INET6 && host->h_length == sizeof address.v6.sin6_addr;
    answer.count = 0;
    answer.cut_off = false;
    if (!v4 && !v6)
        return;
    address.any.sa_family = (sa_family_t)host->h_addrtype;
    for (char *const *item = host->h_addr_list; *item != NULL; item++) {
        memcpy(v4 ? (void *)&address.v4.sin_addr : (void *)&address.v6.sin6_addr, *item,
               (size_t)host->h_length);
        answer_add(&answer, &address.any);
    }
    remember(text, &answer);
}

static void keep_answer(const char *text, const struct hostent *host, const void *caller)
{
    int error = errno;
    if (text != NULL && host != NULL && !scope_is_own(caller))
        remember_host(text, host);
    errno = error;
}

TLSGRAFT_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                                struct addrinfo **result)
{
    __typeof__(&getaddrinfo) real = NEXT(getaddrinfo);
    if (real == NULL)
        return EAI_FAIL;
    int failure = real(node, service, hints, result);
    int error = errno;
    if (failure == 0 && node != NULL && !scope_is_own(__builtin_return_address(0)))
        remember_list(node, *result);
    errno = error;
    return failure;
}

/* What it finds shows later, in the memory of the caller. */
TLSGRAFT_EXPORT int getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
    __typeof__(&getaddrinfo_a) real = NEXT(getaddrinfo_a);
    if (real == NULL) {
        errno = ENOSYS;
        return EAI_SYSTEM;
    }
    answers_are_not_all();
    return real(mode, list, count, event);
}

TLSGRAFT_EXPORT struct hostent *gethostbyname(const char *name)
{
    __typeof__(&gethostbyname) real = NEXT(gethostbyname);
    struct hostent *host = real == NULL ? NULL : real(name);
    keep_answer(name, host, __builtin_return_address(0));
    return host;
}

TLSGRAFT_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    __typeof__(&gethostbyname2) real = NEXT(gethostbyname2);
    struct hostent *host = real == NULL ? NULL : real(name, family);
    keep_answer(name, host, __builtin_return_address(0));
    return host;
}

TLSGRAFT_EXPORT int gethostbyname_r(const char *name, struct hostent *buffer, char *memory, size_t size,
                                    struct hostent **result, int *h_error)
{
    __typeof__(&gethostbyname_r) real = NEXT(gethostbyname_r);
    if (real == NULL)
        return ENOSYS;
    int failure = real(name, buffer, memory, size, result, h_error);
    if (failure == 0)
        keep_answer(name, *result, __builtin_return_address(0));
    return failure;
}

TLSGRAFT_EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *buffer, char *memory,
                                     size_t size, struct hostent **result, int *h_error)
{
    __typeof__(&gethostbyname2_r) real = NEXT(gethostbyname2_r);
    if (real == NULL)
        return ENOSYS;
    int failure = real(name, family, buffer, memory, size, result, h_error);
    if (failure == 0)
        keep_answer(name, *result, __builtin_return_address(0));
    return failure;
}
