/* Preloaded behind the library: a function in the place of libc's, which it finds with RTLD_NEXT. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <gnu/libc-version.h>

const char *gnu_get_libc_version(void)
{
    static char answer[64];
    const char *(*next)(void) = NULL;
    void *found = dlsym(RTLD_NEXT, "gnu_get_libc_version");
    memcpy(&next, &found, sizeof found);
    (void)snprintf(answer, sizeof answer, "next %s", next());
    return answer;
}
