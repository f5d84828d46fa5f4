/*
 * deep MODE WHAT [OPTION...]: loads WHAT with RTLD_DEEPBIND, so that it is bound to its own libcrypto before
 * any preloaded object. MODE: some of "now", "lazy", "local", "global", "shallow" (without it), "again"
 * (after it was loaded, asked and unloaded once), "after" (after that was done to another one) in one word.
 * WHAT: a plugin, else a libssl, which is then used by dlsym alone. The other options are those of options.c.
 * LAB_CONF: the OPENSSL_CONF that it sets before it uses OpenSSL.
 */
#include "deep.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *load(const char *mode, const char *what)
{
    int lazy = strstr(mode, "lazy") != NULL;
    int global = strstr(mode, "global") != NULL;
    int deep = strstr(mode, "shallow") == NULL;
    return dlopen(what, (lazy ? RTLD_LAZY : RTLD_NOW) | (global ? RTLD_GLOBAL : RTLD_LOCAL) |
                            (deep ? RTLD_DEEPBIND : 0));
}

static int fetch(void *handle, struct lab_api *api)
{
#define LAB_FETCH(type, name, parameters)                                                                    \
    {                                                                                                        \
        void *found = dlsym(handle, #name);                                                                  \
        if (found == NULL) {                                                                                 \
            return 0;                                                                                        \
        }                                                                                                    \
        memcpy(&api->name, &found, sizeof found); /* ISO C has no cast from data to function pointers */     \
    }
    LAB_FUNCTIONS(LAB_FETCH)
    return 1;
}

int main(int argc, char **argv)
{
    struct lab_api api;
    lab_deep_run *run = NULL;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: deep MODE WHAT [OPTION...]\n");
        return 2;
    }
    struct lab_options options = lab_options(argc - 2, argv + 2);
    if (strstr(argv[1], "after") != NULL) {
        void *other = dlopen("libBrokenLocale.so.1", RTLD_NOW | RTLD_LOCAL);
        if (other == NULL) {
            return 3;
        }
        (void)dlsym(other, "SSL_CTX_new");
        (void)dlclose(other);
    }
    void *handle = load(argv[1], argv[2]);
    if (handle != NULL && strstr(argv[1], "again") != NULL) {
        (void)dlsym(handle, "SSL_CTX_new");
        (void)dlclose(handle);
        handle = load(argv[1], argv[2]);
    }
    void *found = handle == NULL ? NULL : dlsym(handle, "lab_plugin_run");
    memcpy(&run, &found, sizeof found);
    int fetched = run == NULL && handle != NULL && fetch(handle, &api);
    const char *configuration = getenv("LAB_CONF");
    if (configuration != NULL) {
        (void)setenv("OPENSSL_CONF", configuration, 1);
    }
    if (run != NULL) {
        return run(&options);
    }
    if (fetched) {
        return lab_run(&api, &options);
    }
    (void)fprintf(stderr, "%s\n", dlerror());
    return 3;
}
