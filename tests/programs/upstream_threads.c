/*
 * Threads that shake hands with three servers and a fourth that no rule is for, on one SSL_CTX, over socket
 * pairs. Each server says whose certificate it saw, and that is compared with what the policy gives it.
 *
 * upstream_threads FOLDER THREADS HANDSHAKES: FOLDER has genuine.pem and genuine.key, of the servers. The
 * server NAME.example must see the common name NAME, but for "nobody", which must see none.
 */
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const names[] = {"one", "two", "nobody", "three"};
#define NAMES (sizeof names / sizeof *names)

static SSL_CTX *clients;
static SSL_CTX *servers[2];
static unsigned handshakes;
static atomic_uint next;
static atomic_uint wrong;

static int take_all(X509_STORE_CTX *store, void *arg)
{
    (void)store;
    (void)arg;
    return 1;
}

static SSL_CTX *make_server(const char *folder, int version)
{
    char path[4096];
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    (void)snprintf(path, sizeof path, "%s/genuine.pem", folder);
    int made = SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM);
    (void)snprintf(path, sizeof path, "%s/genuine.key", folder);
    if (made != 1 || SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) != 1)
        exit(2);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, take_all, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return context;
}

static void name_of_peer(const SSL *server, char name[64])
{
    X509 *shown = SSL_get_peer_certificate(server);
    (void)snprintf(name, 64, "nobody");
    if (shown != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, 64);
    X509_free(shown);
}

/* Both ends in one thread, each as far as it comes. */
static int shake(SSL *client, SSL *server)
{
    for (int turn = 0; turn < 20; turn++) {
        int one = SSL_do_handshake(client);
        int other = SSL_do_handshake(server);
        if (one == 1 && other == 1)
            return 1;
        if ((one != 1 && SSL_get_error(client, one) != SSL_ERROR_WANT_READ) ||
            (other != 1 && SSL_get_error(server, other) != SSL_ERROR_WANT_READ))
            return 0;
    }
    return 0;
}

static void meet(unsigned number)
{
    char host[64];
    char seen[64] = "no handshake";
    const char *name = names[number % NAMES];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        exit(2);
    SSL *client = SSL_new(clients);
    SSL *server = SSL_new(servers[number / NAMES % 2]);
    (void)snprintf(host, sizeof host, "%s.example", name);
    SSL_set_tlsext_host_name(client, host);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    SSL_set_fd(client, pair[0]);
    SSL_set_fd(server, pair[1]);
    if (shake(client, server))
        name_of_peer(server, seen);
    if (strcmp(seen, name) != 0) {
        printf("%s: %s\n", name, seen);
        wrong++;
    }
    SSL_free(client);
    SSL_free(server);
    close(pair[0]);
    close(pair[1]);
}

static void *work(void *unused)
{
    for (unsigned number = next++; number < handshakes; number = next++)
        meet(number);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    unsigned count = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 65;
    if (count > 64)
        return 2;
    handshakes = (unsigned)strtoul(argv[3], NULL, 10);
    clients = SSL_CTX_new(TLS_client_method());
    servers[0] = make_server(argv[1], TLS1_2_VERSION);
    servers[1] = make_server(argv[1], TLS1_3_VERSION);
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return 2;
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    printf("%u handshakes, %u wrong\n", handshakes, (unsigned)wrong);
    return 0;
}
