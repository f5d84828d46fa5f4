/* What is remembered of the resolver's answers and of connect(2): preload/answers.c, preload/connects.c. */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/answers.h"
#include "preload/connects.h"

static struct sockaddr_in socket_address(uint32_t address, unsigned port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    v4.sin_addr.s_addr = htonl(address);
    return v4;
}

/* `name` led to `count` addresses from `first` on. */
static void remember(const char *name, uint32_t first, unsigned count)
{
    struct domain domain;
    struct answer answer = {.count = 0};
    cr_assert(domain_from_peer(name, &domain));
    for (unsigned i = 0; i < count; i++) {
        struct sockaddr_in v4 = socket_address(first + i, 0);
        answer_add(&answer, (struct sockaddr *)&v4);
    }
    answers_remember(&domain, &answer);
}

static struct domain address_of(uint32_t address)
{
    struct domain domain;
    uint16_t port;
    struct sockaddr_in v4 = socket_address(address, 0);
    domain_from_sockaddr((struct sockaddr *)&v4, &domain, &port);
    return domain;
}

static enum lead lead(const char *name, uint32_t address)
{
    struct domain domain;
    struct domain to = address_of(address);
    cr_assert(domain_from_peer(name, &domain));
    return answers_lead(&domain, &to);
}

static const char *last_name(uint32_t address)
{
    static struct domain name;
    struct domain from = address_of(address);
    bool only;
    return answers_last_name(&from, &name, &only) ? name.text : NULL;
}

/* Is it the only name that can have led there? */
static bool is_only(uint32_t address)
{
    struct domain name;
    struct domain from = address_of(address);
    bool only = false;
    return answers_last_name(&from, &name, &only) && only;
}

Test(answers, a_name_leads_to_all_that_it_was_ever_answered)
{
    cr_expect_eq(lead("a.example", 0x0a000001), LEAD_UNKNOWN);
    cr_expect_null(last_name(0x0a000001));
    remember("A.Example.", 0x0a000001, 2);
    remember("a.example", 0x0a000009, 1);
    cr_expect_eq(lead("a.example", 0x0a000001), LEAD_YES);
    cr_expect_eq(lead("a.example.", 0x0a000009), LEAD_YES);
    cr_expect_eq(lead("a.example", 0x0a000005), LEAD_NO);
    cr_expect_eq(lead("b.example", 0x0a000001), LEAD_UNKNOWN);
    cr_expect_eq(lead("10.0.0.5", 0x0a000005), LEAD_YES, "an address leads to itself");
    cr_expect_eq(lead("10.0.0.5", 0x0a000006), LEAD_NO);
}

Test(answers, the_last_name_that_led_to_an_address_is_the_guess)
{
    remember("a", 0x0a000001, 2);
    remember("b", 0x0a000002, 1);
    cr_expect_str_eq(last_name(0x0a000001), "a");
    cr_expect_str_eq(last_name(0x0a000002), "b");
    remember("a", 0x0a000001, 2);
    cr_expect_str_eq(last_name(0x0a000002), "a");
}

Test(answers, whether_another_name_can_have_led_to_an_address)
{
    char name[16];
    remember("a", 0x0a000001, 2);
    remember("a", 0x0a000001, 2);
    cr_expect(is_only(0x0a000001));
    remember("b", 0x0a000002, 1);
    cr_expect(is_only(0x0a000001));
    cr_expect_not(is_only(0x0a000002));
    /* Names and addresses that are forgotten count as well. */
    for (unsigned i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "new%u", i);
        remember(name, 0x0b000000 + i, 1);
    }
    cr_expect_null(last_name(0x0a000001));
    cr_expect(is_only(0x0b000001));
    remember("c", 0x0a000001, 1);
    cr_expect_not(is_only(0x0a000001), "'a' led there too");
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "more%u", i);
        remember(name, 0x0c000000 + 256 * i, 32);
    }
    remember("late", 0x0b000030, 1);
    cr_expect_not(is_only(0x0b000030), "'new48' led there too");
}

Test(answers, an_answer_that_was_cut_off_may_lead_anywhere)
{
    remember("a", 0x0a000001, 1);
    cr_expect(is_only(0x0a000001));
    remember("many", 0x0b000000, ANSWERS_OF_ONE_MAX + 1);
    cr_expect_not(is_only(0x0a000001));
}

Test(answers, localhost_leads_to_the_loopback)
{
    cr_expect_eq(lead("localhost", 0x7f000001), LEAD_YES);
    cr_expect_eq(lead("App.LocalHost.", 0x7f020304), LEAD_YES);
    cr_expect_eq(lead("localhost", 0x0a000001), LEAD_UNKNOWN);
    cr_expect_eq(lead("notlocalhost", 0x7f000001), LEAD_UNKNOWN);
    cr_expect_eq(lead("localhost.example", 0x7f000001), LEAD_UNKNOWN);
    struct domain name;
    struct domain loopback = {.kind = DOMAIN_ADDRESS, .length = DOMAIN_ADDRESS_BYTES};
    cr_assert(domain_from_peer("localhost", &name));
    memcpy(loopback.text, &in6addr_loopback, sizeof in6addr_loopback);
    cr_expect_eq(answers_lead(&name, &loopback), LEAD_YES);
    remember("localhost", 0x7f000002, 1);
    cr_expect_eq(lead("localhost", 0x7f000001), LEAD_NO, "what the resolver said counts");
    cr_expect_eq(lead("localhost", 0x7f000002), LEAD_YES);
}

Test(answers, what_does_not_fit_is_not_known)
{
    remember("many", 0x0a000000, ANSWERS_OF_ONE_MAX + 1);
    cr_expect_eq(lead("many", 0x0a000000), LEAD_YES);
    cr_expect_eq(lead("many", 0x0b000000), LEAD_UNKNOWN, "it may have been the one that was cut off");
}

Test(answers, what_was_forgotten_is_not_known)
{
    char name[16];
    remember("old", 0x0a000000, 2);
    for (unsigned i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "new%u", i);
        remember(name, 0x0b000000 + i, 1);
    }
    cr_expect_eq(lead("old", 0x0a000000), LEAD_UNKNOWN);
    cr_expect_null(last_name(0x0a000000));
    cr_expect_eq(lead("new0", 0x0b000000), LEAD_YES);
    /* Addresses are forgotten before names: then nothing can be said of what is not there. */
    for (unsigned i = 1; i < 64; i++) {
        snprintf(name, sizeof name, "new%u", i);
        remember(name, 0x0c000000 + 256 * i, 20);
    }
    cr_expect_eq(lead("new0", 0x0b000099), LEAD_UNKNOWN);
    cr_expect_eq(lead("new63", 0x0c000000 + 256 * 63), LEAD_YES);
    remember("fresh", 0x0e000000, 1);
    cr_expect_eq(lead("fresh", 0x0d000000), LEAD_NO);
}

Test(connects, the_newest_first_and_one_for_each_descriptor)
{
    struct connect_record recent[CONNECTS_MAX];
    struct sockaddr_in one = socket_address(0x0a000001, 443);
    struct sockaddr_in two = socket_address(0x0a000001, 8443);
    struct sockaddr_in probe = socket_address(0x0a000001, 0);
    struct sockaddr other = {.sa_family = AF_UNIX};
    connects_remember(7, (struct sockaddr *)&one, sizeof one);
    connects_remember(8, (struct sockaddr *)&one, sizeof one);
    connects_remember(7, (struct sockaddr *)&two, sizeof two);
    connects_remember(9, (struct sockaddr *)&probe, sizeof probe);
    connects_remember(9, &other, sizeof other);
    connects_remember(9, (struct sockaddr *)&one, 2);
    connects_remember(9, NULL, 0);
    cr_assert_eq(connects_recent(recent), 2);
    cr_expect(recent[0].descriptor == 7 && recent[0].port == 8443);
    cr_expect(recent[1].descriptor == 8 && recent[1].port == 443);
    cr_expect_not(connect_is_open(&recent[0]));
    for (int i = 0; i < 3 * CONNECTS_MAX; i++)
        connects_remember(100 + i, (struct sockaddr *)&one, sizeof one);
    cr_assert_eq(connects_recent(recent), CONNECTS_MAX);
    cr_expect_eq(recent[0].descriptor, 100 + 3 * CONNECTS_MAX - 1);
}

Test(answers, where_not_all_are_seen_no_name_is_the_only_one)
{
    remember("a.example", 0x0a000001, 1);
    cr_expect(is_only(0x0a000001));
    answers_are_not_all();
    cr_expect_not(is_only(0x0a000001));
    cr_expect_str_eq(last_name(0x0a000001), "a.example");
    remember("b.example", 0x0a000002, 1);
    cr_expect_not(is_only(0x0a000002), "it stays so");
    cr_expect_eq(lead("b.example", 0x0a000003), LEAD_NO);
}

Test(answers, an_unspecified_address_leads_to_the_loopback)
{
    remember("blocked", 0, 1);
    cr_expect_eq(lead("blocked", 0x7f000001), LEAD_YES);
}

/* A connection to this very process. The other end stays open for its life. */
static int open_connection(int listener)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_geq(accept(listener, NULL, NULL), 0);
    connects_remember(client, (struct sockaddr *)&address, sizeof address);
    return client;
}

static int listen_on_loopback(int backlog)
{
    struct sockaddr_in address = socket_address(0x7f000001, 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listener, backlog), 0);
    return listener;
}

static bool is_recent(int descriptor)
{
    struct connect_record recent[CONNECTS_MAX];
    size_t count = connects_recent(recent);
    for (size_t i = 0; i < count; i++) {
        if (recent[i].descriptor == descriptor)
            return true;
    }
    return false;
}

Test(connects, one_that_is_still_there_is_kept)
{
    struct connect_record recent[CONNECTS_MAX];
    int listener = listen_on_loopback(1);
    int first = open_connection(listener);
    for (int i = 0; i < 3 * CONNECTS_MAX; i++)
        close(open_connection(listener));
    struct sockaddr_in elsewhere = socket_address(0x0a000001, 443);
    for (int i = 0; i < 3 * CONNECTS_MAX; i++)
        connects_remember(1000 + i, (struct sockaddr *)&elsewhere, sizeof elsewhere);
    size_t count = connects_recent(recent);
    cr_assert_eq(count, CONNECTS_MAX);
    cr_expect_eq(recent[0].descriptor, 1000 + 3 * CONNECTS_MAX - 1, "the newest first");
    cr_expect_eq(recent[count - 1].descriptor, first);
    cr_expect(connect_is_open(&recent[count - 1]));
    cr_expect_not(connects_are_incomplete());
}

Test(connects, as_many_as_there_is_room_for_are_kept)
{
    int listener = listen_on_loopback(1);
    int first = open_connection(listener);
    for (int i = 1; i < CONNECTS_MAX; i++)
        open_connection(listener);
    cr_expect(is_recent(first));
    cr_expect_not(connects_are_incomplete());
    int last = open_connection(listener);
    cr_expect(connects_are_incomplete());
    cr_expect(is_recent(last));
    close(first);
    close(last);
    open_connection(listener);
    cr_expect(connects_are_incomplete(), "it stays so");
}

Test(connects, one_that_is_being_made_is_kept)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int listener = listen_on_loopback(0);
    int queued = socket(AF_INET, SOCK_STREAM, 0);
    int pending = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in elsewhere = socket_address(0x0a000001, 443);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    /* With one in the queue of the listener it answers no other. */
    cr_assert_eq(connect(queued, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(connect(pending, (struct sockaddr *)&address, sizeof address), -1);
    cr_assert_eq(errno, EINPROGRESS);
    connects_remember(pending, (struct sockaddr *)&address, sizeof address);
    for (int i = 0; i < 3 * CONNECTS_MAX; i++)
        connects_remember(1000 + i, (struct sockaddr *)&elsewhere, sizeof elsewhere);
    cr_expect(is_recent(pending));
    close(pending);
    for (int i = 0; i < 3 * CONNECTS_MAX; i++)
        connects_remember(1000 + i, (struct sockaddr *)&elsewhere, sizeof elsewhere);
    for (int i = 0; i < CONNECTS_MAX; i++)
        connects_remember(2000 + i, (struct sockaddr *)&elsewhere, sizeof elsewhere);
    cr_expect_not(is_recent(pending));
    cr_expect_not(connects_are_incomplete());
}

Test(connects, the_unspecified_address_is_the_loopback)
{
    struct connect_record recent[CONNECTS_MAX];
    struct sockaddr_in any = socket_address(0, 443);
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    struct domain loopback = address_of(0x7f000001);
    connects_remember(1000, (struct sockaddr *)&any6, sizeof any6);
    connects_remember(1001, (struct sockaddr *)&any, sizeof any);
    cr_assert_eq(connects_recent(recent), 2);
    cr_expect_eq(memcmp(recent[0].address, loopback.text, DOMAIN_ADDRESS_BYTES), 0);
    cr_expect_eq(memcmp(recent[1].address, &in6addr_loopback, DOMAIN_ADDRESS_BYTES), 0);
}

static int listen_on_unix(struct sockaddr_un *address, socklen_t *size)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    *size = sizeof address->sun_family; /* the kernel gives it a name */
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    cr_assert_eq(bind(listener, (struct sockaddr *)address, *size), 0);
    *size = sizeof *address;
    cr_assert_eq(getsockname(listener, (struct sockaddr *)address, size), 0);
    cr_assert_eq(listen(listener, 64), 0);
    return listener;
}

static int open_unix(const struct sockaddr_un *address, socklen_t size)
{
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(client, (const struct sockaddr *)address, size), 0);
    connects_remember(client, (const struct sockaddr *)address, size);
    return client;
}

Test(connects, streams_of_the_unix_family)
{
    struct connect_record recent[CONNECTS_MAX];
    struct sockaddr_un address;
    socklen_t size;
    int clients[20];
    listen_on_unix(&address, &size);
    cr_expect_not(connects_have_unix());
    for (int i = 0; i < 30; i++) {
        int client = open_unix(&address, size);
        cr_expect(connects_have_unix());
        close(client);
        cr_expect_not(connects_have_unix());
    }
    int listener = listen_on_loopback(1);
    int reused = open_unix(&address, size);
    close(reused);
    cr_assert_eq(open_connection(listener), reused);
    cr_expect_not(connects_have_unix(), "a TCP connection has its descriptor");
    cr_expect_eq(connects_recent(recent), 1);
    for (size_t i = 0; i < 20; i++)
        clients[i] = open_unix(&address, size);
    for (size_t i = 0; i < 20; i++)
        close(clients[i]);
    cr_expect(connects_have_unix(), "one was forgotten");
    cr_expect_not(connects_are_incomplete());
}

Test(connects, what_was_received_on_a_socket)
{
    int listener = listen_on_loopback(1);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    char byte;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    int server = accept(listener, NULL, NULL);
    cr_assert_eq(write(client, "x", 1), 1);
    cr_expect_eq(connect_received(client), 0);
    cr_assert_eq(read(server, &byte, 1), 1);
    cr_expect_eq(connect_received(server), 1);
    errno = 0;
    cr_expect_eq(connect_received(-1), 0);
    cr_expect_eq(connect_received(1), 0);
    cr_expect_eq(errno, 0);
}

/* Name K leads to addresses of its own. */
static void *disturb(void *mistakes)
{
    char name[16];
    unsigned seed = (unsigned)getpid();
    for (int i = 0; i < 3000; i++) {
        unsigned k = (unsigned)rand_r(&seed) % 100;
        struct domain from = address_of(0x0a000000 + 256 * k);
        struct domain found;
        snprintf(name, sizeof name, "n%u.lab", k);
        remember(name, 0x0a000000 + 256 * k, 1 + k % 40);
        bool only;
        if (answers_last_name(&from, &found, &only) && strcmp(found.text, name) != 0)
            ++*(int *)mistakes;
        pid_t child = i % 500 == 0 ? fork() : -1;
        if (child == 0) {
            remember(name, 0x0a000000, 1);
            _exit(0);
        }
        if (child > 0)
            waitpid(child, NULL, 0);
    }
    return NULL;
}

static void before_fork(void)
{
    struct host_lock *lock = answers_lock();
    host_lock_for_fork(&lock, 1);
}

static void after_fork(void)
{
    struct host_lock *lock = answers_lock();
    host_unlock_after_fork(&lock, 1);
}

Test(answers, threads_and_children_find_nothing_half_written, .timeout = 120)
{
    cr_assert_eq(pthread_atfork(before_fork, after_fork, after_fork), 0); /* as preload/process.c does */
    pthread_t threads[4];
    int mistakes[4] = {0};
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, disturb, &mistakes[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(mistakes[i], 0);
    }
}

static atomic_bool stop;

/* Descriptor K connects to the address 10.0.0.K. */
static void *connect_on_and_on(void *argument)
{
    for (unsigned k = 0; !stop; k = (k + 1) % 100) {
        struct sockaddr_in v4 = socket_address(0x0a000000 + k, 443);
        connects_remember((int)k, (struct sockaddr *)&v4, sizeof v4);
    }
    return argument;
}

Test(connects, no_record_is_read_half_written, .timeout = 120)
{
    struct connect_record recent[CONNECTS_MAX];
    pthread_t thread;
    size_t mistakes = 0;
    cr_assert_eq(pthread_create(&thread, NULL, connect_on_and_on, NULL), 0);
    while (connects_recent(recent) == 0)
        sched_yield();
    for (int i = 0; i < 100000; i++) {
        size_t count = connects_recent(recent);
        for (size_t r = 0; r < count; r++)
            mistakes += recent[r].descriptor != recent[r].address[DOMAIN_ADDRESS_BYTES - 1];
    }
    stop = true;
    pthread_join(thread, NULL);
    cr_expect_eq(mistakes, 0);
}
