/* The notices of a handshake's start and end, and the last check. */
#include "policy/leaves.h"
#include "preload/connection.h"
#include "preload/examine.h"
#include "preload/notice.h"
#include "preload/refuse.h"
#include "preload/tell.h"
#include "preload/upstream.h"
#include "preload/upstream_session.h"
#include "preload/used.h"

#include <errno.h>

/* What was established before the server had proved its key. */
static void remember(struct connection *connection)
{
    for (unsigned i = 0; i < connection->fact_count; i++)
        remembered_add(&connection->facts[i]);
    connection_forget_facts(connection);
}

/* True: there are rules for the server, and they do not refuse it. */
static bool judge_end(const struct snapshot *snapshot, struct libssl *libssl, SSL *ssl, bool resumed)
{
    struct examined examined;
    const struct showing showing = {
        .snapshot = snapshot,
        .libssl = libssl,
        .ssl = ssl,
        .leaf = libssl->fn.SSL_get1_peer_certificate(ssl),
        .raw_key = libssl->fn.SSL_get0_peer_rpk == NULL ? NULL : libssl->fn.SSL_get0_peer_rpk(ssl),
        .sent = resumed ? NULL : libssl->fn.SSL_get_peer_cert_chain(ssl),
        .version = libssl->fn.SSL_version(ssl),
        .resumed = resumed,
        .done = true,
    };
    examine_peer(&showing, &examined);
    if (showing.leaf != NULL)
        libssl->fn.X509_free(showing.leaf);
    if (examined.outcome == OUTCOME_NO_RULE)
        tell_connection(libssl, ssl, "no rule in force");
    if (examined.outcome == OUTCOME_REFUSED)
        connection_cut(libssl, ssl);
    return examined.outcome == OUTCOME_ADMITTED || examined.outcome == OUTCOME_REPORTED;
}

/*
 * The server's certificate, whatever rules there are: a handshake that is done has used it. `judged`: there
 * are rules for it, and they do not refuse it. `leaf_end`: when it ends, of one that the policy keeps and the
 * verdict has met; NULL: it was not, or that is not known.
 */
static void monitor_server(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl,
                           bool judged, const int64_t *leaf_end)
{
    if (snapshot->state != POLICY_LOADED || libssl->fn.SSL_get_state(ssl) != OSSL_STATE_OK ||
        (leaf_end != NULL && !monitor_is_needed_for(snapshot->policy, *leaf_end)))
        return;
    X509 *leaf = libssl->fn.SSL_get1_peer_certificate(ssl);
    if (leaf == NULL)
        return;
    const struct leaf *known = leaves_find(snapshot->policy, &libssl->fn, leaf);
    used_certificate(snapshot, libssl, ssl, leaf, known != NULL && known->has_end ? &known->not_after : NULL,
                     CERTIFICATE_SERVER);
    if (known == NULL && judged)
        leaves_remember(snapshot->policy, &libssl->fn, leaf);
    libssl->fn.X509_free(leaf);
}

/* The start of the next handshake may be one that we do not hear of. */
static void forget_wait(const struct libssl *libssl, const SSL *ssl)
{
    struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL && libssl->fn.SSL_get_state(ssl) == OSSL_STATE_OK)
        connection->wait = (struct records_wait){0};
}

/* Its start was not heard of, and so nobody has asked which client certificate its session stands for. */
static void judge_session(const struct snapshot *snapshot, struct libssl *libssl, SSL *ssl)
{
    const struct connection *connection = connection_of(libssl, ssl);
    if ((connection != NULL && connection->session_considered) ||
        !snapshot_is_in_force(snapshot, &libssl->fn) || upstream_session_is_admitted(snapshot, libssl, ssl))
        return;
    refuse_for_certificate(libssl, "the session that was resumed may have been made with another client "
                                   "certificate than the policy gives; connect without it");
    connection_cut(libssl, ssl);
}

void done_handshake(struct libssl *libssl, SSL *ssl)
{
    int error = errno;
    struct connection *connection = connection_of(libssl, ssl);
    /* In between, to let early data out, nothing is shown yet but what the session holds. */
    bool resumed = libssl->fn.SSL_session_reused(ssl) != 0 || libssl->fn.SSL_get_state(ssl) != OSSL_STATE_OK;
    const struct snapshot *snapshot = snapshot_acquire();
    /* The verdict has seen what a full handshake showed. Not so a resumed one, one without certificates, and
     * one whose verify callback a program has set through dlsym, in the place of ours. */
    bool judged = connection != NULL && connection->judged && !resumed;
    const int64_t *leaf_end = judged && connection->leaf_ends ? &connection->leaf_end : NULL;
    if (judged)
        remember(connection);
    else if (examine_is_needed(snapshot))
        judged = judge_end(snapshot, libssl, ssl, resumed);
    if (resumed)
        judge_session(snapshot, libssl, ssl);
    monitor_server(snapshot, libssl, ssl, judged, leaf_end);
    snapshot_release();
    forget_wait(libssl, ssl);
    if (connection != NULL)
        connection->certificate_done = true;
    errno = error;
}

/*
 * Of a step of a handshake, of which there are some fifteen: nobody waits for this one. The SSL_CTX is asked
 * because a program may have set its callback there through dlsym, where no hook sees it.
 */
static bool is_of_no_interest(const struct libssl *libssl, const SSL *ssl, int where)
{
    return (where & OSSL_CB_LOOP) != 0 && !libssl_has_info(libssl) && !connection_is_any_due() &&
           libssl->fn.SSL_CTX_get_info_callback(libssl->fn.SSL_get_SSL_CTX(ssl)) == libssl->on_info;
}

void notice(struct libssl *libssl, const SSL *ssl, int where, int ret)
{
    if (is_of_no_interest(libssl, ssl, where))
        return;
    SSL *client = libssl->fn.SSL_is_server(ssl) ? NULL : (SSL *)(uintptr_t)ssl;
    /* The end before the program hears of it, for it may write at once; the start after. */
    struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL && connection->certificate_due && client != NULL && (where & OSSL_CB_LOOP) != 0)
        upstream_check_due(libssl, client, connection);
    if (client != NULL && (where & OSSL_CB_HANDSHAKE_DONE) != 0)
        done_handshake(libssl, client);
    /* After the handshake (TLS 1.3) a certificate is shown without a notice that it is done. */
    if (connection != NULL && client != NULL && (where & (OSSL_CB_HANDSHAKE_DONE | OSSL_CB_EXIT)) != 0)
        upstream_end(libssl, client, connection);
    ossl_info_cb *own = connection_program_info(libssl, ssl, connection);
    if (own != NULL)
        own(ssl, where, ret);
    if (client != NULL && (where & OSSL_CB_HANDSHAKE_START) != 0)
        start_handshake(libssl, client);
}
