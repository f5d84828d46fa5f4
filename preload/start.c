/* The start of a client's handshake, and its ClientHello. */
#include "policy/text.h"
#include "preload/connection.h"
#include "preload/early.h"
#include "preload/examine.h"
#include "preload/notice.h"
#include "preload/process.h"
#include "preload/refuse.h"

#include <errno.h>
#include <stdio.h>

bool start_is_refused(struct libssl *libssl, SSL *ssl)
{
    char why[PROCESS_WHY_SIZE];
    char words[PROCESS_WHY_SIZE + 128];
    int error = errno;
    if (process_is_ready(&libssl->fn, why)) {
        errno = error;
        return false;
    }
    struct event event = {.kind = EVENT_POLICY_REJECTED, .message = why};
    process_raise(&event);
    snprintf(words, sizeof words, "no valid policy: %s", why);
    text_for_terminal(words);
    refuse_with_words(libssl, words);
    libssl->fn.SSL_set_verify_result(ssl, OSSL_V_ERR_APPLICATION_VERIFICATION);
    return true;
}

/*
 * Resumption runs no verification. A session whose certificate is not admitted now, or that has none, is
 * taken back, and the handshake is a full one.
 */
static void drop_session(const struct libssl *libssl, SSL *ssl)
{
    SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    if (session == NULL || !examine_is_needed())
        return;
    if (examine_would_refuse(libssl, ssl, examine_shown_in_session(libssl, session)))
        libssl->fn.SSL_set_session(ssl, NULL);
    else
        early_without_external_key(libssl, ssl);
}

void start_handshake(struct libssl *libssl, SSL *ssl)
{
    char why[PROCESS_WHY_SIZE];
    int error = errno;
    struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL) {
        connection->judged = false;
        connection->refused = false;
        if (libssl->fn.SSL_in_before(ssl))
            connection_mend(libssl, connection);
    }
    /* Where there is no valid policy the ClientHello is refused. */
    if (process_is_ready(&libssl->fn, why) && libssl->fn.SSL_in_before(ssl))
        drop_session(libssl, ssl);
    errno = error;
}

int on_client_hello(SSL *ssl, unsigned ext_type, unsigned context, const unsigned char **out, size_t *outlen,
                    X509 *x, size_t chainidx, int *al, void *add_arg)
{
    struct libssl *libssl = add_arg;
    (void)ext_type;
    (void)context;
    (void)out;
    (void)outlen;
    (void)x;
    (void)chainidx;
    if (start_is_refused(libssl, ssl)) {
        *al = OSSL_AD_NO_ALERT; /* nothing leaves */
        return -1;
    }
    /* A program may have put its info callback in the place of ours through dlsym, where no hook sees it. */
    ossl_info_cb *info = libssl->fn.SSL_get_info_callback(ssl);
    if (info != libssl->on_info) {
        struct connection *connection = connection_make(libssl, ssl);
        if (connection == NULL) {
            refuse_with_words(libssl, "not enough memory to check the server");
            *al = OSSL_AD_NO_ALERT;
            return -1;
        }
        connection->info = info;
        libssl->fn.SSL_set_info_callback(ssl, libssl->on_info);
        start_handshake(libssl, ssl);
    }
    return 0;
}
