/* The QUIC server of lab_peer. */
#include "peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FLAG_NO_BLOCK 1
#define VERIFY_PEER   1

/* The next event of QUIC, or of the client. */
static int wait_for_event(void *listener, int descriptor)
{
    struct timeval left;
    int is_infinite = 1;
    ossl.SSL_get_event_timeout(listener, &left, &is_infinite);
    int more = peer_wait(descriptor, is_infinite ? NULL : &left);
    ossl.SSL_handle_events(listener);
    return more;
}

static void look(void *connection, struct peer_seen *seen)
{
    char data[4096];
    int length;
    if (seen->kind[0] == '\0' && ossl.SSL_is_init_finished(connection)) {
        seen->handshakes++;
        seen->resumed = ossl.SSL_session_reused(connection);
        peer_look_at_client(connection, seen);
        snprintf(seen->kind, sizeof seen->kind, "%s", peer_what_it_was(connection));
    }
    while ((length = ossl.SSL_read(connection, data, sizeof data)) > 0) {
        seen->bytes += (size_t)length;
        if (seen->bytes / strlen(peer_request) > seen->requests) {
            seen->requests++;
            (void)ossl.SSL_write(connection, peer_answer, (int)strlen(peer_answer));
        }
    }
}

void peer_quic_server(const struct peer_options *options, int descriptor)
{
    struct peer_seen seen = {0};
    void *ctx = peer_server_context(options);
    if ((options->kind->traits & KIND_ASKS) != 0)
        ossl.SSL_CTX_set_verify(ctx, VERIFY_PEER, peer_accept_every_certificate);
    void *listener = ossl.SSL_new_listener(ctx, 0);
    void *connection = NULL;
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    if (listener == NULL || ossl.SSL_set_fd(listener, descriptor) != 1 ||
        ossl.SSL_set_blocking_mode(listener, 0) != 1 || ossl.SSL_listen(listener) != 1)
        peer_fail("SSL_listen");
    while (wait_for_event(listener, descriptor)) {
        if (connection == NULL && (connection = ossl.SSL_accept_connection(listener, FLAG_NO_BLOCK)) != NULL)
            ossl.SSL_set_blocking_mode(connection, 0);
        if (connection != NULL)
            look(connection, &seen);
    }
    peer_print_errors();
    peer_report(&seen, 0);
}
