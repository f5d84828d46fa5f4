/* A client that is not linked with OpenSSL: libssl comes by dlopen, every function by dlsym. */
#include "session.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void *newest_libssl(int global)
{
    static const char *const names[] = {"libssl.so.4", "libssl.so.3", "libssl.so.1.1"};
    for (size_t number = 0; number < sizeof names / sizeof names[0]; number++) {
        void *handle = dlopen(names[number], RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
        if (handle != NULL) {
            return handle;
        }
    }
    (void)fprintf(stderr, "%s\n", dlerror());
    return NULL;
}

int main(int argc, char **argv)
{
    struct lab_options options = lab_options(argc, argv);
    struct lab_api api;
    void *handle = newest_libssl(options.global);

    if (handle == NULL) {
        return 3;
    }
#define LAB_FETCH(type, name, parameters)                                                                    \
    {                                                                                                        \
        void *found = dlsym(handle, #name);                                                                  \
        if (found == NULL) {                                                                                 \
            (void)fprintf(stderr, "%s\n", dlerror());                                                        \
            return 3;                                                                                        \
        }                                                                                                    \
        memcpy(&api.name, &found, sizeof found); /* ISO C has no cast from data to function pointers */      \
    }
    LAB_FUNCTIONS(LAB_FETCH)
    return lab_run(&api, &options);
}
