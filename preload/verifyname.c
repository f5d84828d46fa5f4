/*
 * From 3.0 on a X509_VERIFY_PARAM tells its names. 1.1.1 does not, so what it is told is remembered: the
 * hooks here stand in front of its setters, which libssl calls in another shared object, however the program
 * came by SSL_set1_host.
 *
 * Which libcrypto a call is for is told by the param where it is one that is remembered. Else by the caller:
 * SSL_set1_host ends in a jump, so that may be a program which is linked with a libssl alone.
 */
#include "preload/verifyname.h"

#include <arpa/inet.h>
#include <string.h>

#include "preload/hooks.h"
#include "preload/process.h"
#include "preload/scope.h"

#define FUNCTIONS(F)                                                                                         \
    F(X509_VERIFY_PARAM_new)                                                                                 \
    F(X509_VERIFY_PARAM_free)                                                                                \
    F(X509_VERIFY_PARAM_inherit)                                                                             \
    F(X509_VERIFY_PARAM_set1)                                                                                \
    F(X509_VERIFY_PARAM_set1_host)                                                                           \
    F(X509_VERIFY_PARAM_add1_host)                                                                           \
    F(X509_VERIFY_PARAM_set1_ip)                                                                             \
    F(X509_VERIFY_PARAM_set1_ip_asc)

/* A libcrypto. It never goes away, and neither does this. */
struct crypto {
    uintptr_t low, high;
    bool tells; /* it has X509_VERIFY_PARAM_get0_host */
#define MEMBER(name) __typeof__(&(name)) name;
    FUNCTIONS(MEMBER)
#undef MEMBER
};

/* Where calls from an object go: a libcrypto or a libssl, which do not go away either. */
struct route {
    uintptr_t low, high;
    const struct crypto *to;
};

#define CRYPTO_MAX 8
#define ROUTES_MAX 16
static struct crypto cryptos[CRYPTO_MAX];
static struct route routes[ROUTES_MAX];
static atomic_uint crypto_count;
static atomic_uint route_count;

/*
 * That of this thread's last caller which may go away: a program, or a library of it. As long as nothing is
 * loaded it is nobody else who is at these addresses.
 */
static _Thread_local struct {
    struct route route;
    unsigned long long loads; /* see scope_loads(); 0: it does not count */
} last;

static void describe(struct crypto *crypto, const struct object *object)
{
    crypto->low = object->low;
    crypto->high = object->high;
    crypto->tells = object_function(object, "X509_VERIFY_PARAM_get0_host") != NULL;
#define FILL(name) crypto->name = (__typeof__(&(name)))object_function(object, #name);
    FUNCTIONS(FILL)
#undef FILL
}

static const struct crypto *known_crypto(const struct object *object)
{
    unsigned known = atomic_load_explicit(&crypto_count, memory_order_acquire);
    for (unsigned i = 0; i < known; i++) {
        if (cryptos[i].low == object->low && cryptos[i].high == object->high)
            return &cryptos[i];
    }
    return NULL;
}

/* `spare` is filled and returned where it is one libcrypto too many to be kept. */
static const struct crypto *crypto_at(const struct object *object, struct crypto *spare)
{
    const struct crypto *crypto = known_crypto(object);
    if (crypto != NULL)
        return crypto;
    process_lock();
    crypto = known_crypto(object);
    unsigned known = atomic_load_explicit(&crypto_count, memory_order_relaxed);
    if (crypto == NULL && known < CRYPTO_MAX) {
        describe(&cryptos[known], object);
        crypto = &cryptos[known];
        atomic_store_explicit(&crypto_count, known + 1, memory_order_release);
    }
    process_unlock();
    if (crypto != NULL)
        return crypto;
    describe(spare, object);
    spare->tells = true; /* a param of it can not be remembered */
    return spare;
}

static bool leads(const struct route *route, const void *caller)
{
    return (uintptr_t)caller - route->low < route->high - route->low;
}

static void keep_route(const struct object *from, const struct crypto *to, unsigned long long loads)
{
    if (object_function(from, "X509_VERIFY_PARAM_new") == NULL &&
        object_function(from, "SSL_CTX_new") == NULL) {
        last.route = (struct route){from->low, from->high, to};
        last.loads = loads;
        return;
    }
    process_lock();
    unsigned known = atomic_load_explicit(&route_count, memory_order_relaxed);
    bool is_there = false;
    for (unsigned i = 0; i < known; i++)
        is_there = is_there || routes[i].low == from->low;
    if (!is_there && known < ROUTES_MAX) {
        routes[known] = (struct route){from->low, from->high, to};
        atomic_store_explicit(&route_count, known + 1, memory_order_release);
    }
    process_unlock();
}

/*
 * What nobody can tell, because the caller came by the function through dlsym: a param that is not remembered
 * is one of a libcrypto whose params need not be.
 */
static bool guess_definer(const X509_VERIFY_PARAM *param, struct object *definer)
{
    return (param != NULL && object_first_with("X509_VERIFY_PARAM_get0_host", definer)) ||
           object_first_with("X509_VERIFY_PARAM_new", definer);
}

/* `param` is NULL where one is to be made. NULL: there is no libcrypto. */
static const struct crypto *crypto_of(const X509_VERIFY_PARAM *param, const void *caller,
                                      struct crypto *spare)
{
    struct object at;
    struct object object;
    const struct crypto *crypto = params_crypto(param);
    unsigned known = atomic_load_explicit(&route_count, memory_order_acquire);
    for (unsigned i = 0; i < known && crypto == NULL; i++) {
        if (leads(&routes[i], caller))
            crypto = routes[i].to;
    }
    if (crypto != NULL)
        return crypto;
    unsigned long long loads = scope_loads();
    if (last.loads == loads && leads(&last.route, caller))
        return last.route.to;
    bool is_sure = scope_definer("X509_VERIFY_PARAM_new", caller, &at, &object);
    if (!is_sure && !guess_definer(param, &object))
        return NULL;
    crypto = crypto_at(&object, spare);
    if (crypto != spare && object_holds(&at, caller))
        keep_route(&at, crypto, is_sure ? loads : 0);
    return crypto;
}

static bool is_in(const struct crypto *crypto, const void *address)
{
    return (uintptr_t)address - crypto->low < crypto->high - crypto->low;
}

X509_VERIFY_PARAM *X509_VERIFY_PARAM_new(void)
{
    const void *caller = __builtin_return_address(0);
    struct crypto spare;
    const struct crypto *crypto = crypto_of(NULL, caller, &spare);
    if (crypto == NULL || crypto->X509_VERIFY_PARAM_new == NULL)
        return NULL;
    X509_VERIFY_PARAM *param = crypto->X509_VERIFY_PARAM_new();
    /* Those that libcrypto makes for itself belong to no SSL. */
    if (param == NULL || crypto->tells || is_in(crypto, caller) || params_add(param, crypto))
        return param;
    crypto->X509_VERIFY_PARAM_free(param);
    return NULL;
}

void X509_VERIFY_PARAM_free(X509_VERIFY_PARAM *param)
{
    struct crypto spare;
    const struct crypto *crypto = crypto_of(param, __builtin_return_address(0), &spare);
    params_remove(param);
    if (crypto != NULL && crypto->X509_VERIFY_PARAM_free != NULL)
        crypto->X509_VERIFY_PARAM_free(param);
}

/*
 * Which names OpenSSL takes over depends on flags that it does not tell. All of them is the safe side: the
 * rules of each name apply.
 */
int X509_VERIFY_PARAM_inherit(X509_VERIFY_PARAM *to, const X509_VERIFY_PARAM *from)
{
    struct crypto spare;
    const struct crypto *crypto = crypto_of(to, __builtin_return_address(0), &spare);
    if (crypto == NULL || crypto->X509_VERIFY_PARAM_inherit == NULL || !params_copy(to, from))
        return 0;
    return crypto->X509_VERIFY_PARAM_inherit(to, from);
}

int X509_VERIFY_PARAM_set1(X509_VERIFY_PARAM *to, const X509_VERIFY_PARAM *from)
{
    struct crypto spare;
    const struct crypto *crypto = crypto_of(to, __builtin_return_address(0), &spare);
    if (crypto == NULL || crypto->X509_VERIFY_PARAM_set1 == NULL || !params_copy(to, from))
        return 0;
    return crypto->X509_VERIFY_PARAM_set1(to, from);
}

/* As OpenSSL reads them: a length of 0 means up to the NUL, and a NUL at the end does not count. */
static size_t length_of(const char *name, size_t length)
{
    if (name == NULL)
        return 0;
    return length == 0 ? strlen(name) : strnlen(name, length);
}

int X509_VERIFY_PARAM_set1_host(X509_VERIFY_PARAM *param, const char *name, size_t length)
{
    struct crypto spare;
    const struct crypto *crypto = crypto_of(param, __builtin_return_address(0), &spare);
    if (crypto == NULL || crypto->X509_VERIFY_PARAM_set1_host == NULL)
        return 0;
    int done = crypto->X509_VERIFY_PARAM_set1_host(param, name, length);
    return done == 1 && !params_set_host(param, name, length_of(name, length), false) ? 0 : done;
}

int X509_VERIFY_PARAM_add1_host(X509_VERIFY_PARAM *param, const char *name, size_t length)
{
    struct crypto spare;
    const struct crypto *crypto = crypto_of(param, __builtin_return_address(0), &spare);
    if (crypto == NULL || crypto->X509_VERIFY_PARAM_add1_host == NULL)
        return 0;
    int done = crypto->X509_VERIFY_PARAM_add1_host(param, name, length);
    return done == 1 && !params_set_host(param, name, length_of(name, length), true) ? 0 : done;
}

int X509_VERIFY_PARAM_set1_ip(X509_VERIFY_PARAM *param, const unsigned char *ip, size_t length)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct crypto spare;
    const struct crypto *crypto = crypto_of(param, __builtin_return_address(0), &spare);
    if (crypto == NULL || crypto->X509_VERIFY_PARAM_set1_ip == NULL)
        return 0;
    int done = crypto->X509_VERIFY_PARAM_set1_ip(param, ip, length);
    if (ip != NULL && (length == 4 || length == 16))
        inet_ntop(length == 4 ? AF_INET : AF_INET6, ip, text, sizeof text);
    return done == 1 && !params_set_address(param, text) ? 0 : done;
}

/* libcrypto may set it without a call that is seen. */
int X509_VERIFY_PARAM_set1_ip_asc(X509_VERIFY_PARAM *param, const char *ip)
{
    unsigned char address[sizeof(struct in6_addr)];
    struct crypto spare;
    const struct crypto *crypto = crypto_of(param, __builtin_return_address(0), &spare);
    if (crypto == NULL || crypto->X509_VERIFY_PARAM_set1_ip_asc == NULL)
        return 0;
    int done = crypto->X509_VERIFY_PARAM_set1_ip_asc(param, ip);
    bool plain = done == 1 && (inet_pton(AF_INET, ip, address) == 1 || inet_pton(AF_INET6, ip, address) == 1);
    return plain && !params_set_address(param, ip) ? 0 : done;
}

void verifyname_each_host(const struct libssl *libssl, const SSL *ssl, params_visit *visit, void *context)
{
    const struct ossl *fn = &libssl->fn;
    X509_VERIFY_PARAM *param = fn->SSL_get0_param((SSL *)(uintptr_t)ssl);
    const char *host;
    if (fn->X509_VERIFY_PARAM_get0_host == NULL) {
        params_each(param, visit, context);
        return;
    }
    for (int i = 0; (host = fn->X509_VERIFY_PARAM_get0_host(param, i)) != NULL; i++)
        visit(host, context);
}

void verifyname_address(const struct libssl *libssl, const SSL *ssl, params_visit *visit, void *context)
{
    const struct ossl *fn = &libssl->fn;
    if (fn->X509_VERIFY_PARAM_get0_host == NULL || fn->X509_VERIFY_PARAM_get1_ip_asc == NULL)
        return;
    X509_VERIFY_PARAM *param = fn->SSL_get0_param((SSL *)(uintptr_t)ssl);
    fn->ERR_set_mark(); /* no address is an error to it */
    char *address = fn->X509_VERIFY_PARAM_get1_ip_asc(param);
    fn->ERR_pop_to_mark();
    if (address != NULL)
        visit(address, context);
    fn->CRYPTO_free(address, __FILE__, __LINE__);
}
