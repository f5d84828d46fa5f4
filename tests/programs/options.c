#include "session.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum lab_drive drive_named(const char *name)
{
    static const char *const names[] = {"connect", "handshake", "write", "read", "peek", "bio"};
    for (size_t number = 0; number < sizeof names / sizeof names[0]; number++) {
        if (strcmp(name, names[number]) == 0) {
            return (enum lab_drive)number;
        }
    }
    (void)fprintf(stderr, "--drive %s: unknown; connect, handshake, write, read, peek or bio\n", name);
    exit(2);
}

struct lab_options lab_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},  {"sni", required_argument, NULL, 's'},
        {"name", required_argument, NULL, 'n'},  {"ca", required_argument, NULL, 'a'},
        {"drive", required_argument, NULL, 'd'}, {"tls", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'c'}, {"callback", no_argument, NULL, 'b'},
        {"yes", no_argument, NULL, 'y'},         {"info", no_argument, NULL, 'i'},
        {"fresh", no_argument, NULL, 'f'},       {"leak", no_argument, NULL, 'l'},
        {"global", no_argument, NULL, 'g'},      {NULL, 0, NULL, 0}};
    struct lab_options options = {.count = 1};

    for (int found = 0; (found = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (found) {
        case 'p':
            options.port = (int)strtol(optarg, NULL, 10);
            break;
        case 's':
            options.sni = optarg;
            break;
        case 'n':
            options.verify_name = optarg;
            break;
        case 'a':
            options.ca = optarg;
            break;
        case 'd':
            options.drive = drive_named(optarg);
            break;
        case 't':
            options.tls = (int)strtol(optarg, NULL, 10);
            break;
        case 'c':
            options.count = strtol(optarg, NULL, 10);
            break;
        case 'b':
            options.callback = 1;
            break;
        case 'y':
            options.yes = 1;
            break;
        case 'i':
            options.info = 1;
            break;
        case 'f':
            options.fresh = 1;
            break;
        case 'l':
            options.leak = 1;
            break;
        case 'g':
            options.global = 1;
            break;
        default:
            exit(2);
        }
    }
    if (options.port <= 0 || options.count <= 0) {
        (void)fprintf(stderr, "%s: --port or --count: missing or not a number above 0\n", argv[0]);
        exit(2);
    }
    return options;
}
