/* The client of lab_peer: one connection; a line is printed for each thing that it tries. */
#include "peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CTRL_SET_HOSTNAME    55
#define KEY_UPDATE_REQUESTED 1
#define PROTOCOL             "\x03lab"

static int dial(const struct peer_options *options, unsigned short port)
{
    int datagrams = (options->kind->traits & KIND_DATAGRAMS) != 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int plain = socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (plain < 0 || connect(plain, (struct sockaddr *)&address, sizeof address) != 0)
        peer_fail("connect");
    /* QUIC wants it so, and waits itself. */
    if ((options->kind->traits & KIND_QUIC) != 0)
        fcntl(plain, F_SETFL, O_NONBLOCK);
    return plain;
}

static void load_session(const struct peer_options *options, void *ssl)
{
    void *file = options->session_in == NULL ? NULL : ossl.BIO_new_file(options->session_in, "r");
    void *session = file == NULL ? NULL : ossl.PEM_read_bio_SSL_SESSION(file, NULL, NULL, NULL);
    if (options->session_in == NULL)
        return;
    if (session == NULL || ossl.SSL_set_session(ssl, session) != 1)
        peer_fail(options->session_in);
    ossl.SSL_SESSION_free(session);
    ossl.BIO_free(file);
}

static void save_session(const struct peer_options *options, void *ssl)
{
    if (options->session_out == NULL)
        return;
    void *file = ossl.BIO_new_file(options->session_out, "w");
    void *session = ossl.SSL_get1_session(ssl);
    if (file == NULL || session == NULL || ossl.PEM_write_bio_SSL_SESSION(file, session) != 1)
        peer_fail(options->session_out);
    ossl.SSL_SESSION_free(session);
    ossl.BIO_free(file);
}

static int write_request(void *ssl)
{
    return ossl.SSL_write(ssl, peer_request, (int)strlen(peer_request));
}

/* The first calls on a new SSL. True: the handshake is done. `*written`: with it, the request. */
static int drive(void *ssl, enum peer_drive how, int *written)
{
    size_t early = 0;
    int result = -1;
    *written = 0;
    if (how != DRIVE_CONNECT)
        ossl.SSL_set_connect_state(ssl);
    switch (how) {
    case DRIVE_CONNECT:
        result = ossl.SSL_connect(ssl);
        break;
    case DRIVE_HANDSHAKE:
        result = ossl.SSL_do_handshake(ssl);
        break;
    case DRIVE_WRITE:
        result = write_request(ssl);
        *written = result > 0;
        break;
    case DRIVE_EARLY:
        result = ossl.SSL_write_early_data(ssl, peer_request, strlen(peer_request), &early);
        printf("early %d\n", result == 1);
        if (result != 1)
            peer_print_errors();
        result = ossl.SSL_connect(ssl);
        /* 2: the server took it. */
        *written = result == 1 && ossl.SSL_get_early_data_status(ssl) == 2;
        break;
    }
    printf("handshake %d\n", result > 0);
    if (result <= 0)
        peer_print_errors();
    return result > 0;
}

static int read_answer(void *ssl)
{
    char answer[64] = "";
    int length = ossl.SSL_read(ssl, answer, (int)sizeof answer - 1);
    int right = length > 0 && strcmp(answer, peer_answer) == 0;
    printf("answer %d\n", right);
    if (!right)
        peer_print_errors();
    return right;
}

static void renegotiate(void *ssl)
{
    printf("renegotiation %d\n", ossl.SSL_renegotiate(ssl) == 1 && ossl.SSL_do_handshake(ssl) == 1);
    peer_print_errors();
}

/* A program that does not look at results. None of this may leave a connection that was refused. */
static void try_everything(void *ssl, int secret)
{
    printf("then write %d\n", write_request(ssl) > 0);
    if (ossl.SSL_sendfile != NULL)
        printf("then sendfile %d\n", ossl.SSL_sendfile(ssl, secret, 0, 16, 0) > 0);
    ossl.SSL_renegotiate(ssl);
    (void)ossl.SSL_do_handshake(ssl);
    ossl.SSL_key_update(ssl, KEY_UPDATE_REQUESTED);
    (void)ossl.SSL_do_handshake(ssl);
    printf("then write %d\n", write_request(ssl) > 0);
    (void)ossl.SSL_shutdown(ssl);
    (void)ossl.SSL_shutdown(ssl);
    printf("then write %d\n", write_request(ssl) > 0);
}

static int converse(const struct peer_options *options, void *ssl, int written)
{
    unsigned second_round = KIND_RENEGOTIATES | KIND_ASKS_LATER | KIND_RENEGOTIATED;
    if (!written && write_request(ssl) <= 0) {
        peer_print_errors();
        return 0;
    }
    if (!read_answer(ssl))
        return 0;
    if ((options->kind->traits & KIND_RENEGOTIATED) != 0)
        renegotiate(ssl);
    if ((options->kind->traits & second_round) == 0)
        return 1;
    return write_request(ssl) > 0 && read_answer(ssl);
}

void peer_client(const struct peer_options *options, unsigned short port, int done)
{
    int quic = (options->kind->traits & KIND_QUIC) != 0;
    int written = 0;
    void *ctx = peer_client_context(options);
    void *ssl = ossl.SSL_new(ctx);
    int plain = dial(options, port);
    void *bio = peer_new_bio(options, plain);
    printf("openssl %s\n", ossl.OpenSSL_version(0));
    ossl.BIO_up_ref(bio);
    ossl.SSL_set_bio(ssl, bio, bio);
    if (options->name != NULL)
        ossl.SSL_ctrl(ssl, CTRL_SET_HOSTNAME, 0, (void *)(size_t)options->name);
    if (quic)
        ossl.SSL_set_alpn_protos(ssl, (const unsigned char *)PROTOCOL, (unsigned)strlen(PROTOCOL));
    load_session(options, ssl);
    int mode = ossl.SSL_get_verify_mode(ssl);
    int made = drive(ssl, options->drive, &written);
    int went_well = made && converse(options, ssl, written);
    if (went_well) {
        printf("mode %d\n", ossl.SSL_get_verify_mode(ssl) == mode);
        printf("reused %d\n", ossl.SSL_session_reused(ssl));
        save_session(options, ssl);
        (void)ossl.SSL_shutdown(ssl);
    } else {
        int secret = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        printf("sent %llu\n", ossl.BIO_number_written(bio));
        try_everything(ssl, secret);
        close(secret);
    }
    ossl.SSL_free(ssl);
    ossl.SSL_CTX_free(ctx);
    ossl.BIO_free(bio);
    close(plain);
    close(done);
}
