/* The server of lab_peer: one connection, of which every byte of application data is counted. */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DTLS_GET_TIMEOUT   73
#define DTLS_TIMED_OUT     74
#define ERROR_WANT_READ    2
#define ERROR_WANT_WRITE   3
#define FILETYPE_PEM       1
#define VERIFY_PEER        1
#define EARLY_DATA_ERROR   0
#define EARLY_DATA_SUCCESS 1
#define EARLY_DATA_FINISH  2

int peer_accept_every_certificate(int answer, void *store)
{
    (void)answer;
    (void)store;
    return 1;
}

void peer_report(const struct peer_seen *seen, unsigned long long raw)
{
    printf("kind %s\nresumed %d\nhandshakes %d\n", seen->kind, seen->resumed, seen->handshakes);
    printf("bytes %zu\nearly %zu\nrequests %zu\n", seen->bytes, seen->early, seen->requests);
    printf("client certificate %d\nclient name %s\nraw %llu\n", seen->client_certificate, seen->client_name,
           raw);
}

void peer_look_at_client(const void *ssl, struct peer_seen *seen)
{
    void *certificate = (ossl.SSL_get1_peer_certificate != NULL ? ossl.SSL_get1_peer_certificate
                                                                : ossl.SSL_get_peer_certificate)(ssl);
    seen->client_certificate = certificate != NULL;
    if (certificate != NULL)
        ossl.X509_NAME_oneline(ossl.X509_get_subject_name(certificate), seen->client_name,
                               sizeof seen->client_name);
}

int peer_wait(int descriptor, const struct timeval *longest)
{
    struct pollfd both[] = {{.fd = descriptor, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    int limit = longest == NULL ? -1 : (int)(longest->tv_sec * 1000 + longest->tv_usec / 1000 + 1);
    (void)poll(both, 2, limit);
    /* What the client has sent before it was done is in the socket by now. */
    if (both[0].revents == 0 && both[1].revents != 0)
        return poll(both, 1, 0) > 0;
    return 1;
}

static int listen_on(const struct peer_options *options)
{
    int datagrams = (options->kind->traits & KIND_DATAGRAMS) != 0;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, datagrams ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        (!datagrams && listen(listener, 1) != 0))
        peer_fail("listen");
    printf("port %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

/* The first datagram, which stays where it is, tells whose this socket is from now on. */
static int accept_datagrams(int listener)
{
    struct sockaddr_in client;
    socklen_t size = sizeof client;
    char first[1];
    if (recvfrom(listener, first, sizeof first, MSG_PEEK, (struct sockaddr *)&client, &size) < 0 ||
        connect(listener, (struct sockaddr *)&client, size) != 0)
        return -1;
    return listener;
}

struct service {
    const struct peer_options *options;
    struct peer_seen seen;
    void *ssl;
    int plain;
    int early_is_over;
    int asks; /* for a renegotiation, or a certificate; the answer comes after it */
};

/* After the call of OpenSSL that gave `result`: false where it is of no use to try again. */
static int wait_for_more(const struct service *service, int result)
{
    struct timeval left;
    const struct timeval *longest = NULL;
    int error = ossl.SSL_get_error(service->ssl, result);
    if (error != ERROR_WANT_READ && error != ERROR_WANT_WRITE)
        return 0;
    if ((service->options->kind->traits & KIND_DATAGRAMS) != 0 &&
        ossl.SSL_ctrl(service->ssl, DTLS_GET_TIMEOUT, 0, &left) != 0)
        longest = &left;
    int more = peer_wait(service->plain, longest);
    if (longest != NULL)
        ossl.SSL_ctrl(service->ssl, DTLS_TIMED_OUT, 0, NULL);
    return more;
}

static void count(struct peer_seen *seen, const char *data, size_t length, int early)
{
    static size_t in_request;
    seen->bytes += length;
    seen->early += early ? length : 0;
    (void)data;
    in_request += length;
    seen->requests += in_request / strlen(peer_request);
    in_request %= strlen(peer_request);
}

static int read_early(struct service *service)
{
    char data[4096];
    size_t length = 0;
    for (;;) {
        int result = ossl.SSL_read_early_data(service->ssl, data, sizeof data, &length);
        if (result == EARLY_DATA_FINISH)
            return 1;
        if (result == EARLY_DATA_SUCCESS)
            count(&service->seen, data, length, 1);
        else if (!wait_for_more(service, 0))
            return 0;
    }
}

static int shake(struct service *service)
{
    int result;
    if ((service->options->kind->traits & KIND_EARLY_DATA) != 0 && !read_early(service))
        return 0;
    while ((result = ossl.SSL_do_handshake(service->ssl)) != 1) {
        if (!wait_for_more(service, result))
            return 0;
    }
    service->seen.handshakes++;
    snprintf(service->seen.kind, sizeof service->seen.kind, "%s", peer_what_it_was(service->ssl));
    service->seen.resumed = ossl.SSL_session_reused(service->ssl);
    return 1;
}

static int is_asking(struct service *service)
{
    const struct peer_options *options = service->options;
    unsigned traits = options->kind->traits;
    if (service->seen.requests != 1 || (traits & (KIND_RENEGOTIATES | KIND_ASKS_LATER)) == 0)
        return 0;
    if ((traits & KIND_ASKS_LATER) != 0) {
        ossl.SSL_set_verify(service->ssl, VERIFY_PEER, peer_accept_every_certificate);
        if (ossl.SSL_verify_client_post_handshake(service->ssl) != 1)
            peer_fail("SSL_verify_client_post_handshake");
    } else {
        if (options->next_chain != NULL &&
            (ossl.SSL_use_certificate_file(service->ssl, options->next_chain, FILETYPE_PEM) != 1 ||
             ossl.SSL_use_PrivateKey_file(service->ssl, options->next_key, FILETYPE_PEM) != 1))
            peer_fail(options->next_chain);
        if (ossl.SSL_renegotiate(service->ssl) != 1)
            peer_fail("SSL_renegotiate");
    }
    if (ossl.SSL_do_handshake(service->ssl) != 1)
        peer_fail("SSL_do_handshake");
    return 1;
}

static void answer(struct service *service)
{
    (void)ossl.SSL_write(service->ssl, peer_answer, (int)strlen(peer_answer));
}

/* A renegotiation runs in SSL_read; the answer to the request that it came after follows it. */
static int has_renegotiated(struct service *service)
{
    if (!service->asks || (service->options->kind->traits & KIND_RENEGOTIATES) == 0 ||
        ossl.SSL_renegotiate_pending(service->ssl) || !ossl.SSL_is_init_finished(service->ssl))
        return 0;
    service->asks = 0;
    service->seen.handshakes++;
    return 1;
}

static void converse(struct service *service)
{
    char data[4096];
    size_t answered = 0;
    for (;;) {
        if (service->seen.requests > answered) {
            answered = service->seen.requests;
            service->asks = is_asking(service);
            /* The client needs something to read, to see that it was asked. */
            if (!service->asks || (service->options->kind->traits & KIND_ASKS_LATER) != 0)
                answer(service);
        }
        int length = ossl.SSL_read(service->ssl, data, sizeof data);
        if (length > 0)
            count(&service->seen, data, (size_t)length, 0);
        if (has_renegotiated(service))
            answer(service);
        else if (length <= 0 && !wait_for_more(service, length))
            return;
    }
}

/* What comes when OpenSSL reads no more. */
static unsigned long long drain(int plain)
{
    char data[4096];
    unsigned long long total = 0;
    while (peer_wait(plain, NULL)) {
        ssize_t length = recv(plain, data, sizeof data, MSG_DONTWAIT);
        if (length > 0)
            total += (unsigned long long)length;
        else if (length == 0 || (errno != EAGAIN && errno != ECONNREFUSED && errno != EINTR))
            break;
    }
    return total;
}

void peer_server(const struct peer_options *options)
{
    int datagrams = (options->kind->traits & KIND_DATAGRAMS) != 0;
    int listener = listen_on(options);
    struct service service = {.options = options};
    if ((options->kind->traits & KIND_QUIC) != 0) {
        peer_quic_server(options, listener);
        return;
    }
    if (!peer_wait(listener, NULL))
        service.plain = -1; /* the client gave up */
    else
        service.plain = datagrams ? accept_datagrams(listener) : accept(listener, NULL, NULL);
    if (service.plain < 0) {
        peer_report(&service.seen, 0);
        return;
    }
    void *ctx = peer_server_context(options);
    void *bio = peer_new_bio(options, service.plain);
    fcntl(service.plain, F_SETFL, O_NONBLOCK);
    service.ssl = ossl.SSL_new(ctx);
    ossl.SSL_set_bio(service.ssl, bio, bio);
    ossl.SSL_set_accept_state(service.ssl);
    if (shake(&service))
        converse(&service);
    peer_print_errors();
    peer_look_at_client(service.ssl, &service.seen);
    unsigned long long raw = ossl.BIO_number_read(bio);
    peer_report(&service.seen, raw + drain(service.plain));
}
