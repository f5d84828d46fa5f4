/* The verdict: what OpenSSL asks when it has the server's certificate. */
#include "policy/leaves.h"
#include "preload/connection.h"
#include "preload/examine.h"
#include "preload/notice.h"
#include "preload/session.h"
#include "preload/upstream_session.h"

#include <errno.h>

/* What would have been answered without us. */
static int program_verdict(const struct libssl *libssl, const SSL *ssl, X509_STORE_CTX *store)
{
    const struct context *context = ssl == NULL ? NULL : context_of_ssl(libssl, ssl);
    if (context != NULL && context->verify != NULL)
        return context->verify(store, context->verify_arg);
    /* As ssl_verify_cert_chain() does: a failure to verify is a certificate that fails. */
    int answer = libssl->fn.X509_verify_cert(store);
    return answer < 0 ? 0 : answer;
}

/*
 * The answer counts only under SSL_VERIFY_PEER, which is read after this callback returns. The mode sticks
 * to the SSL, so the program's is put back when that is used again.
 */
static int refuse(const struct libssl *libssl, SSL *ssl, struct connection *connection, X509_STORE_CTX *store,
                  int error)
{
    int mode = libssl->fn.SSL_get_verify_mode(ssl);
    if ((mode & OSSL_VERIFY_PEER) == 0) {
        if (connection != NULL) {
            connection->mode_changed = true;
            connection->mode = mode;
        }
        libssl->fn.SSL_set_verify(ssl, VERIFY_MODE_OF_REFUSAL, libssl->fn.SSL_get_verify_callback(ssl));
    }
    libssl->fn.X509_STORE_CTX_set_error(store, error);
    return 0;
}

/* The pinned key stands in for what the program's verification did not find. */
static int loosen(const struct libssl *libssl, SSL *ssl, X509_STORE_CTX *store, int answer)
{
    if (answer > 0 && libssl->fn.X509_STORE_CTX_get_error(store) == OSSL_V_OK)
        return answer;
    if (!session_mark(libssl, ssl))
        return answer;
    libssl->fn.X509_STORE_CTX_set_error(store, OSSL_V_OK);
    return 1;
}

static int judge_server(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl,
                        X509_STORE_CTX *store, int answer)
{
    struct examined examined;
    const struct showing showing = {
        .snapshot = snapshot,
        .libssl = libssl,
        .ssl = ssl,
        .leaf = libssl->fn.X509_STORE_CTX_get0_cert(store),
        .raw_key =
            libssl->fn.X509_STORE_CTX_get0_rpk == NULL ? NULL : libssl->fn.X509_STORE_CTX_get0_rpk(store),
        .sent = libssl->fn.X509_STORE_CTX_get0_untrusted(store),
        .version = libssl->fn.SSL_version(ssl),
    };
    examine_peer(&showing, &examined);
    if (examined.outcome == OUTCOME_NO_RULE)
        return answer;
    /* NULL, out of memory: the end of the handshake judges again, and a mode that we change stays. */
    struct connection *connection = connection_make(libssl, ssl);
    if (connection != NULL) {
        connection->judged = true;
        connection->leaf_ends = examined.known != NULL && examined.known->has_end;
        if (connection->leaf_ends)
            connection->leaf_end = examined.known->not_after;
    }
    if (examined.outcome == OUTCOME_REFUSED)
        return refuse(libssl, ssl, connection, store, examined.error);
    return examined.loosens ? loosen(libssl, ssl, store, answer) : answer;
}

/* The program's verify mode, after a refusal; one that it has set since is its own. */
static void restore_mode(const struct libssl *libssl, SSL *ssl)
{
    struct connection *connection = connection_of(libssl, ssl);
    if (connection == NULL || !connection->mode_changed)
        return;
    if (libssl->fn.SSL_get_verify_mode(ssl) == VERIFY_MODE_OF_REFUSAL)
        libssl->fn.SSL_set_verify(ssl, connection->mode, libssl->fn.SSL_get_verify_callback(ssl));
    connection->mode_changed = false;
}

int verdict(X509_STORE_CTX *store, void *arg)
{
    struct libssl *libssl = arg;
    SSL *ssl = libssl->fn.X509_STORE_CTX_get_ex_data(store, libssl->fn.SSL_get_ex_data_X509_STORE_CTX_idx());
    if (ssl != NULL)
        restore_mode(libssl, ssl);
    int answer = program_verdict(libssl, ssl, store);
    if (ssl == NULL || libssl->fn.SSL_is_server(ssl))
        return answer;
    /* The program wants to be asked again later; then is the time to judge. */
    if (answer > 0 && libssl->fn.SSL_want(ssl) == OSSL_WANT_RETRY_VERIFY)
        return answer;
    int error = errno;
    const struct snapshot *snapshot = snapshot_acquire();
    if (examine_is_needed(snapshot))
        answer = judge_server(snapshot, libssl, ssl, store, answer);
    snapshot_release();
    upstream_mark_not_asked(libssl, ssl);
    errno = error;
    return answer;
}
