/* Loads the plugin named by its argument, as a program that knows nothing of OpenSSL does. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2 || dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) == NULL) {
        (void)fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: plugin_host PLUGIN");
        return 3;
    }
    printf("host done\n");
    return 0;
}
