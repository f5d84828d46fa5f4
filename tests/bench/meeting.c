#include "tests/bench/meeting.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/fixed_random.h"

#pragma weak bench_allocation_counts

enum { TURNS = 20, RECORDS = 1 << 15, PATH_SIZE = 4096 };

enum step { STEP_BEGIN, STEP_HANDSHAKE, STEP_READ, STEP_END };

struct meeting {
    struct world *world;
    SSL *client;
    SSL *server;
    uint64_t nanoseconds;
};

/* Named by the callgrind runs (--toggle-collect), which count what happens inside of it and nothing else. */
int bench_client_step(struct meeting *meeting, enum step step);

static void die(const char *what)
{
    fprintf(stderr, "bench_handshake: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int begin(struct meeting *meeting)
{
    struct world *world = meeting->world;
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    meeting->client = SSL_new(world->client);
    if (in == NULL || out == NULL || meeting->client == NULL)
        die("no SSL for the client");
    SSL_set_bio(meeting->client, in, out);
    SSL_set_connect_state(meeting->client);
    return SSL_set_tlsext_host_name(meeting->client, world->options.name) == 1 &&
           SSL_set1_host(meeting->client, world->options.name) == 1 &&
           (world->session == NULL || SSL_set_session(meeting->client, world->session) == 1);
}

__attribute__((noinline)) int bench_client_step(struct meeting *meeting, enum step step)
{
    char byte;
    switch (step) {
    case STEP_BEGIN:
        return begin(meeting);
    case STEP_HANDSHAKE:
        return SSL_do_handshake(meeting->client);
    case STEP_READ:
        return SSL_read(meeting->client, &byte, 1);
    case STEP_END:
        /* The session of one that is freed without a goodbye is not resumed. */
        SSL_shutdown(meeting->client);
        SSL_free(meeting->client);
        break;
    }
    return 1;
}

uint64_t thread_nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static struct allocation_counts allocations(void)
{
    struct allocation_counts counts = {0};
    if (bench_allocation_counts != NULL)
        bench_allocation_counts(&counts);
    return counts;
}

/* The server's part is not in it, neither of the time nor of the allocations. */
static int measured(struct meeting *meeting, enum step step)
{
    struct allocation_counts *sum = &meeting->world->allocations;
    struct allocation_counts first = allocations();
    uint64_t before = thread_nanoseconds();
    int result = bench_client_step(meeting, step);
    meeting->nanoseconds += thread_nanoseconds() - before;
    struct allocation_counts last = allocations();
    sum->all += last.all - first.all;
    sum->ours += last.ours - first.ours;
    return result;
}

/* Takes what one has written to where the other reads. */
static void carry(SSL *from, SSL *to)
{
    static char bytes[RECORDS];
    int length;
    while ((length = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0) {
        if (BIO_write(SSL_get_rbio(to), bytes, length) != length)
            die("no memory for what is exchanged");
    }
}

static void make_server(struct meeting *meeting)
{
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    meeting->server = SSL_new(meeting->world->server);
    if (in == NULL || out == NULL || meeting->server == NULL)
        die("no SSL for the server");
    SSL_set_bio(meeting->server, in, out);
    SSL_set_accept_state(meeting->server);
}

static void go_on_or_die(SSL *ssl, int result, const char *who)
{
    if (result != 1 && SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ)
        die(who);
}

static void shake_hands(struct meeting *meeting)
{
    int connected = 0;
    int accepted = 0;
    for (int turn = 0; turn < TURNS && (connected != 1 || accepted != 1); turn++) {
        if (connected != 1) {
            connected = measured(meeting, STEP_HANDSHAKE);
            go_on_or_die(meeting->client, connected, "the client's handshake failed");
        }
        carry(meeting->client, meeting->server);
        if (accepted != 1) {
            accepted = SSL_do_handshake(meeting->server);
            go_on_or_die(meeting->server, accepted, "the server's handshake failed");
        }
        carry(meeting->server, meeting->client);
    }
    if (connected != 1 || accepted != 1)
        die("the handshake does not end");
}

static void check(const struct meeting *meeting)
{
    const struct world *world = meeting->world;
    if (SSL_session_reused(meeting->client) != (world->session != NULL))
        die("it should be resumed and is not, or the other way round");
    X509 *shown = SSL_get0_peer_certificate(meeting->server);
    if (world->options.mutual && world->session == NULL && shown == NULL)
        die("the client showed no certificate");
}

uint64_t world_meet(struct world *world, SSL **kept)
{
    struct meeting meeting = {.world = world};
    if (world->options.fixed)
        fixed_random_restart();
    if (measured(&meeting, STEP_BEGIN) != 1)
        die("the client cannot be made");
    make_server(&meeting);
    shake_hands(&meeting);
    check(&meeting);
    if (world->options.resume && world->session == NULL) {
        /* In TLS 1.3 the ticket comes after the handshake. */
        (void)measured(&meeting, STEP_READ);
        world->session = SSL_get1_session(meeting.client);
        if (world->session == NULL || SSL_SESSION_is_resumable(world->session) != 1)
            die("there is no session to resume");
    }
    SSL_free(meeting.server);
    if (kept != NULL)
        *kept = meeting.client;
    else
        measured(&meeting, STEP_END);
    ERR_clear_error();
    return meeting.nanoseconds;
}

static const char *path_of(const struct world *world, const char *name)
{
    static char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", world->options.folder, name);
    return path;
}

static SSL_CTX *make_context(const struct world *world, const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL || SSL_CTX_set_min_proto_version(context, world->options.version) != 1 ||
        SSL_CTX_set_max_proto_version(context, world->options.version) != 1 ||
        SSL_CTX_load_verify_locations(context, path_of(world, "root.pem"), NULL) != 1)
        die("no SSL_CTX");
    return context;
}

static void show(const struct world *world, SSL_CTX *context, const char *chain, const char *key)
{
    if (SSL_CTX_use_certificate_chain_file(context, path_of(world, chain)) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, path_of(world, key), SSL_FILETYPE_PEM) != 1)
        die("a certificate or its key cannot be read");
}

int world_version(const char *word)
{
    return strcmp(word, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

void world_open(struct world *world, const struct world_options *options)
{
    *world = (struct world){.options = *options};
    if (options->fixed)
        fixed_random_install();
    world->server = make_context(world, TLS_server_method());
    show(world, world->server, "server.pem", "server.key");
    if (options->mutual) {
        SSL_CTX_set_verify(world->server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_client_CA_list(world->server, SSL_load_client_CA_file(path_of(world, "root.pem")));
    }
    SSL_CTX_set_session_id_context(world->server, (const unsigned char *)"bench", sizeof "bench" - 1);
    SSL_CTX_set_session_cache_mode(world->server, SSL_SESS_CACHE_OFF);
    /* Else the tickets, which not every client reads, are the server's last word in TLS 1.3. */
    SSL_CTX_set_num_tickets(world->server, options->resume ? 1 : 0);
    world->client = make_context(world, TLS_client_method());
    SSL_CTX_set_verify(world->client, SSL_VERIFY_PEER, NULL);
    if (options->own) {
        show(world, world->client, "client.pem", "client.key");
        /* What it is compared with builds no chain at each handshake either. */
        SSL_CTX_set_mode(world->client, SSL_MODE_NO_AUTO_CHAIN);
    }
}

void world_close(struct world *world)
{
    SSL_SESSION_free(world->session);
    SSL_CTX_free(world->client);
    SSL_CTX_free(world->server);
}
