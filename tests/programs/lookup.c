/* What dlsym(3) says to a program; the test compares it with what it says without the library. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <gnu/libc-version.h>

static void say(const char *what, void *handle, const char *name)
{
    errno = 77;
    const void *found = dlsym(handle, name);
    int error = errno;
    const char *words = dlerror();
    Dl_info info = {0};
    int known = found != NULL && dladdr(found, &info) != 0;
    printf("%s: %s, errno %d, %s\n", what, known ? info.dli_fname : "none", error,
           words == NULL ? "no error" : words);
}

/* lookup rate: nanoseconds for a call, over many. */
static int rate(void)
{
    enum { CALLS = 1000000 };
    struct timespec from;
    struct timespec to;
    void *volatile found = NULL;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < CALLS; i++) {
        found = dlsym(RTLD_DEFAULT, "malloc");
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    (void)found;
    printf("%.1f\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / CALLS);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "rate") == 0) {
        return rate();
    }
    /* Answered by lookup_next.so, which asks for the one behind it. */
    printf("%s\n", gnu_get_libc_version());
    say("default", RTLD_DEFAULT, "puts");
    say("next", RTLD_NEXT, "puts");
    say("missing", RTLD_DEFAULT, "no_such_function");
    void *maths = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    say("handle", maths, "cos");
    say("missing in handle", maths, "no_such_function");
    printf("version: %s\n", dlvsym(RTLD_DEFAULT, "puts", "GLIBC_2.0.0") == NULL ? dlerror() : "found");
    /* What failed before is forgotten by a call that succeeds. */
    (void)dlopen("no_such_file.so", RTLD_NOW);
    say("after a failure", RTLD_DEFAULT, "puts");
    (void)dlopen("no_such_file.so", RTLD_NOW);
    printf("%s\n", dlerror());
    return 0;
}
