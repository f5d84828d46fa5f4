/*
 * Eight threads that shake hands for some seconds, while this program's policy is replaced every 50 ms:
 * reload EXPECT SECONDS FOLDER POLICY TEXT... The file POLICY gets the content of each TEXT in turn, by
 * rename(2).
 *
 * EXPECT  pinned: every TEXT pins the genuine server, for all peers. moves: TEXTs may also admit the other
 *         server; the genuine one is accepted at all times, and the other one both is refused and is accepted
 *         at some time.
 */
#include "pair.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS   8
#define PATH_SIZE 512

static struct {
    struct pair_world world;
    bool moves;
    atomic_bool stop;
    atomic_uint next; /* the number of the next handshake */
    atomic_uint expected, unexpected;
    atomic_uint other_refused, other_accepted;
} host;

static void *shake(void *unused)
{
    (void)unused;
    while (!atomic_load(&host.stop)) {
        const char *why = NULL;
        unsigned number = atomic_fetch_add(&host.next, 1);
        enum pair_outcome outcome = pair_meet(&host.world, number, &why);
        bool genuine = pair_is_genuine(number);
        bool fine = outcome == PAIR_ACCEPTED ? genuine || host.moves : outcome == PAIR_REFUSED && !genuine;
        if (!genuine && outcome == PAIR_ACCEPTED)
            atomic_fetch_add(&host.other_accepted, 1);
        if (!genuine && outcome == PAIR_REFUSED)
            atomic_fetch_add(&host.other_refused, 1);
        atomic_fetch_add(fine ? &host.expected : &host.unexpected, 1);
        if (!fine)
            dprintf(STDOUT_FILENO, "handshake %u: %s\n", number, why == NULL ? "not as expected" : why);
    }
    return NULL;
}

static void replace(const char *policy, const char *text)
{
    char bytes[4096];
    char next[PATH_SIZE];
    int from = open(text, O_RDONLY | O_CLOEXEC);
    ssize_t length = from < 0 ? -1 : read(from, bytes, sizeof bytes);
    snprintf(next, sizeof next, "%s.next", policy);
    int to = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (length <= 0 || to < 0 || write(to, bytes, (size_t)length) != length || rename(next, policy) != 0) {
        perror(policy);
        exit(3);
    }
    close(from);
    close(to);
}

static void rewrite_for(long seconds, const char *policy, char **texts, int count)
{
    const struct timespec pause = {0, 50 * 1000 * 1000};
    for (long i = 0; i < seconds * 20; i++) {
        replace(policy, texts[i % count]);
        nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv)
{
    pthread_t ids[THREADS];
    if (argc < 6) {
        fputs("usage: reload pinned|moves SECONDS FOLDER POLICY TEXT...\n", stderr);
        return 2;
    }
    host.moves = strcmp(argv[1], "moves") == 0;
    pair_open(&host.world, argv[3]);
    for (int i = 0; i < THREADS; i++) {
        errno = pthread_create(&ids[i], NULL, shake, NULL);
        if (errno != 0) {
            perror("pthread_create");
            return 3;
        }
    }
    rewrite_for(strtol(argv[2], NULL, 10), argv[4], argv + 5, argc - 5);
    atomic_store(&host.stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    printf("expected %u unexpected %u; other refused %u accepted %u\n", atomic_load(&host.expected),
           atomic_load(&host.unexpected), atomic_load(&host.other_refused),
           atomic_load(&host.other_accepted));
    SSL_CTX_free(host.world.client);
    SSL_CTX_free(host.world.servers[0]);
    SSL_CTX_free(host.world.servers[1]);
    return atomic_load(&host.unexpected) == 0 ? 0 : 1;
}
