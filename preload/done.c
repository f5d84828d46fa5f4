/* The notices of a handshake's start and end, and the last check. */
#include "preload/connection.h"
#include "preload/examine.h"
#include "preload/notice.h"

#include <errno.h>

void done_handshake(struct libssl *libssl, SSL *ssl)
{
    int error = errno;
    const struct connection *connection = connection_of(libssl, ssl);
    bool resumed = libssl->fn.SSL_session_reused(ssl) != 0;
    /* The verdict has seen what a full handshake showed. Not so a resumed one, one without certificates, and
     * one whose verify callback a program has set through dlsym, in the place of ours. */
    if (examine_is_needed() && (connection == NULL || !connection->judged || resumed)) {
        X509 *leaf = libssl->fn.SSL_get1_peer_certificate(ssl);
        struct shown shown = {.certificate = leaf};
        if (leaf == NULL && libssl->fn.SSL_get0_peer_rpk != NULL)
            shown.raw_key = libssl->fn.SSL_get0_peer_rpk(ssl);
        enum outcome outcome = examine_peer(libssl, ssl, shown, resumed ? REASON_RESUMED : REASON_MISMATCH);
        if (leaf != NULL)
            libssl->fn.X509_free(leaf);
        if (outcome == OUTCOME_NO_RULE)
            examine_log_no_rule(libssl, ssl);
        if (outcome == OUTCOME_REFUSED)
            connection_cut(libssl, ssl);
    }
    errno = error;
}

void notice(struct libssl *libssl, const SSL *ssl, int where, int ret)
{
    SSL *client = libssl->fn.SSL_is_server(ssl) ? NULL : (SSL *)(uintptr_t)ssl;
    /* The end before the program hears of it, for it may write at once; the start after. */
    if (client != NULL && (where & OSSL_CB_HANDSHAKE_DONE) != 0)
        done_handshake(libssl, client);
    ossl_info_cb *own = connection_program_info(libssl, ssl);
    if (own != NULL)
        own(ssl, where, ret);
    if (client != NULL && (where & OSSL_CB_HANDSHAKE_START) != 0)
        start_handshake(libssl, client);
}
