/*
 * A plugin whose constructor waits for a thread that shakes hands. The loader's lock is held meanwhile, so
 * whoever asks the loader for something inside that handshake hangs.
 */
#include "linked.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct lab_options options = {.sni = "localhost", .drive = DRIVE_CONNECT, .count = 1};

static void *shake_hands(void *status)
{
    *(int *)status = lab_run(&lab_linked, &options);
    return NULL;
}

__attribute__((constructor)) static void start(void)
{
    const char *port = getenv("LAB_PORT");
    pthread_t thread;
    int status = 3;

    options.port = port == NULL ? 0 : (int)strtol(port, NULL, 10);
    if (pthread_create(&thread, NULL, shake_hands, &status) == 0) {
        (void)pthread_join(thread, NULL);
    }
    printf("plugin %d\n", status);
}
