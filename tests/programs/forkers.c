/*
 * Hosts that fork at awkward moments. forkers CASE: prints "done", and ends with 0. One that hangs may have
 * every signal blocked: whoever runs it must kill it, with its children.
 */
#include <netdb.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FORKS 200

static void look_up(void)
{
    struct addrinfo *found;
    if (getaddrinfo("localhost", "443", NULL, &found) == 0)
        freeaddrinfo(found);
}

static void use(void)
{
    look_up();
    SSL_CTX_free(SSL_CTX_new(TLS_client_method()));
}

static int fork_once(void)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return status;
}

/* Handlers of the host look names up and make contexts, as does the host before. */
static int handlers(void)
{
    pthread_atfork(use, use, use);
    use();
    return fork_once();
}

static sem_t asked;
static sem_t answered;

static void *resolve_for_others(void *unused)
{
    for (;;) {
        while (sem_wait(&asked) != 0) {
        }
        look_up();
        sem_post(&answered);
    }
    return unused;
}

static void wait_for_resolver(void)
{
    sem_post(&asked);
    while (sem_wait(&answered) != 0) {
    }
}

/* A fork waits until another thread has looked a name up. */
static int waits(void)
{
    pthread_t resolver;
    pthread_atfork(wait_for_resolver, NULL, NULL);
    sem_init(&asked, 0, 0);
    sem_init(&answered, 0, 0);
    use();
    if (pthread_create(&resolver, NULL, resolve_for_others, NULL) != 0)
        return -1;
    for (int i = 0; i < FORKS; i++) {
        if (fork_once() != 0)
            return -1;
    }
    return 0;
}

static timer_t timer;
static volatile sig_atomic_t forked;
static volatile sig_atomic_t failed;

/* Once: the next is asked for when this one was handled, or a slow machine would do nothing else. */
static void arm(void)
{
    const struct itimerspec soon = {.it_value.tv_nsec = 300000};
    timer_settime(timer, 0, &soon, NULL);
}

static void on_timer(int number)
{
    (void)number;
    if (fork_once() != 0)
        failed = 1;
    if (++forked < 5 * FORKS)
        arm();
}

/* A signal's handler forks, wherever it comes to the only thread. */
static int signals(void)
{
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    if (sigaction(SIGUSR1, &action, NULL) != 0 || timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        return -1;
    arm();
    while (forked < 5 * FORKS)
        use();
    return failed;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } cases[] = {{"handlers", handlers}, {"waits", waits}, {"signals", signals}};
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            int status = cases[i].run();
            printf("%s\n", status == 0 ? "done" : "failed");
            return status != 0;
        }
    }
    return 2;
}
