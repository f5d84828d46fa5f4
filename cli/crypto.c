#include "cli/crypto.h"

#include <dlfcn.h>
#include <string.h>

static void *find(void *context, const char *name)
{
    return dlsym(context, name);
}

/* POSIX lets a function pointer be read back from void *, by its bytes. */
#define FILL(result, name, arguments)                                                                        \
    {                                                                                                        \
        void *address = find(library, #name);                                                                \
        memcpy(&crypto->name, &address, sizeof address);                                                     \
        complete = complete && address != NULL;                                                              \
    }

static bool fill_own(struct crypto *crypto, void *library)
{
    bool complete = true;
    CRYPTO_FUNCTIONS(FILL)
    return complete;
}

bool crypto_open(struct crypto *crypto)
{
    static const char *const names[] = {"libcrypto.so.4", "libcrypto.so.3", "libcrypto.so.1.1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            continue;
        memset(crypto, 0, sizeof *crypto);
        if (ossl_fill_crypto(&crypto->ossl, find, library) == NULL && ossl_is_supported(&crypto->ossl) &&
            fill_own(crypto, library))
            return true;
        dlclose(library);
    }
    return false;
}
