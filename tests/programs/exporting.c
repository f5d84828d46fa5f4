/* linked.c for OpenSSL in the executable. LAB_CONF: the OPENSSL_CONF that it sets itself, as some programs
 * do. */
#include "linked.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *configuration = getenv("LAB_CONF");
    if (configuration != NULL) {
        (void)setenv("OPENSSL_CONF", configuration, 1);
    }
    struct lab_options options = lab_options(argc, argv);
    return lab_run(&lab_linked, &options);
}
