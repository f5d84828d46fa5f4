/* The same client as client.c, linked with OpenSSL in the ordinary way. */
#include "linked.h"

int main(int argc, char **argv)
{
    struct lab_options options = lab_options(argc, argv);
    return lab_run(&lab_linked, &options);
}
