#include "cli/crypto.h"

#include <dlfcn.h>
#include <string.h>

static void *find(void *context, const char *name)
{
    return dlsym(context, name);
}

bool crypto_open(struct ossl *table)
{
    static const char *const names[] = {"libcrypto.so.4", "libcrypto.so.3", "libcrypto.so.1.1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            continue;
        memset(table, 0, sizeof *table);
        if (ossl_fill_crypto(table, find, library) == NULL && ossl_is_supported(table))
            return true;
        dlclose(library);
    }
    return false;
}
