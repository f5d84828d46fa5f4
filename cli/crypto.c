#include "cli/crypto.h"

#include <dlfcn.h>
#include <string.h>

static void *find(void *context, const char *name, uint32_t hash, size_t size)
{
    (void)hash;
    (void)size;
    return dlsym(context, name);
}

/* POSIX lets a function pointer be read back from void *, by its bytes. */
#define FILL(result, name, arguments)                                                                        \
    {                                                                                                        \
        void *address = dlsym(library, #name);                                                               \
        memcpy(&crypto->name, &address, sizeof address);                                                     \
        complete = complete && address != NULL;                                                              \
    }

static bool fill_crypto(struct crypto *crypto, void *library)
{
    bool complete =
        ossl_fill_crypto(&crypto->ossl, find, library) == NULL && ossl_is_supported(&crypto->ossl);
    CRYPTO_FUNCTIONS(FILL)
    return complete;
}

static bool fill_ssl(struct crypto *crypto, void *library)
{
    bool complete = ossl_fill_ssl(&crypto->ossl, find, library) == NULL;
    CRYPTO_SSL_FUNCTIONS(FILL)
    return complete;
}

static bool fill_from(struct crypto *crypto, const char *name, bool (*fill)(struct crypto *, void *))
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return false;
    if (fill(crypto, library))
        return true;
    dlclose(library);
    return false;
}

static bool open_newest(struct crypto *crypto, bool with_ssl)
{
    static const struct {
        const char *crypto;
        const char *ssl;
    } lines[] = {
        {"libcrypto.so.4", "libssl.so.4"},
        {"libcrypto.so.3", "libssl.so.3"},
        {"libcrypto.so.1.1", "libssl.so.1.1"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        memset(crypto, 0, sizeof *crypto);
        if (fill_from(crypto, lines[i].crypto, fill_crypto) &&
            (!with_ssl || fill_from(crypto, lines[i].ssl, fill_ssl)))
            return true;
    }
    return false;
}

bool crypto_open(struct crypto *crypto)
{
    return open_newest(crypto, false);
}

bool crypto_open_ssl(struct crypto *crypto)
{
    return open_newest(crypto, true);
}
