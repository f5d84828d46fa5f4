/* The start of a client's handshake, and its ClientHello. */
#include <errno.h>
#include <stdio.h>

#include "policy/text.h"
#include "preload/certificates.h"
#include "preload/connection.h"
#include "preload/examine.h"
#include "preload/notice.h"
#include "preload/peername.h"
#include "preload/refuse.h"
#include "preload/session.h"
#include "preload/tell.h"
#include "preload/upstream.h"
#include "preload/upstream_session.h"

static const char no_memory[] = "not enough memory to check the server";

static bool ports_matter(const struct snapshot *snapshot)
{
    return rule_index_has_port(&snapshot->policy->pins) || rule_index_has_port(&snapshot->policy->upstream) ||
           (snapshot->section != NULL && (rule_index_has_port(&snapshot->section->pins) ||
                                          rule_index_has_port(&snapshot->section->upstream)));
}

/* What only shows now of who the peer is. False: memory is short. */
static bool note_peer(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl)
{
    return snapshot->state != POLICY_LOADED ||
           peer_begin(libssl, ssl, ports_matter(snapshot), upstream_has_rules(snapshot));
}

static void cut_for_memory(const struct libssl *libssl, SSL *ssl)
{
    refuse_with_words(libssl, no_memory);
    connection_cut(libssl, ssl);
}

/* Without a valid policy, or where it refuses a peer that it does not know. */
static bool is_refused(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl)
{
    char why[SNAPSHOT_WHY_SIZE];
    char words[SNAPSHOT_WHY_SIZE + 128];
    if (libssl->fn.SSL_in_before(ssl) && !note_peer(snapshot, libssl, ssl)) {
        refuse_with_words(libssl, no_memory);
        return true;
    }
    if (snapshot_is_ready(snapshot, &libssl->fn, why)) {
        if (examine_unknown(snapshot, libssl, ssl) != ABOUT_REFUSE)
            return false;
        tell_unknown(snapshot, libssl, ssl, ABOUT_REFUSE);
        return true;
    }
    struct event event = {.kind = EVENT_POLICY_REJECTED, .message = why};
    snapshot_raise(snapshot, &event);
    snprintf(words, sizeof words, "no valid policy: %s", why);
    text_for_terminal(words);
    refuse_with_words(libssl, words);
    return true;
}

bool start_is_refused(struct libssl *libssl, SSL *ssl)
{
    int error = errno;
    snapshot_look(&libssl->fn);
    bool refused = is_refused(snapshot_acquire(), libssl, ssl);
    snapshot_release();
    if (!refused) {
        errno = error;
        return false;
    }
    tell_connection(libssl, ssl, "refused before it began");
    libssl->fn.SSL_set_verify_result(ssl, OSSL_V_ERR_APPLICATION_VERIFICATION);
    return true;
}

/* Where a connection is negotiated again; TLS 1.3 comes here after early data, and keeps its session. */
static void begin_again(const struct snapshot *snapshot, struct libssl *libssl, SSL *ssl)
{
    if (libssl->fn.SSL_get_state(ssl) != OSSL_STATE_OK || !snapshot_is_in_force(snapshot, &libssl->fn))
        return;
    if (upstream_begin(snapshot, libssl, ssl))
        session_consider_again(snapshot, libssl, ssl);
    else
        cut_for_memory(libssl, ssl);
}

/* At the very beginning of a connection; not where it is negotiated again. */
static void begin_connection(const struct snapshot *snapshot, struct libssl *libssl, SSL *ssl)
{
    /* Where there is no valid policy the ClientHello is refused. */
    if (!snapshot_is_in_force(snapshot, &libssl->fn))
        return;
    if (!note_peer(snapshot, libssl, ssl) || !upstream_begin(snapshot, libssl, ssl)) {
        cut_for_memory(libssl, ssl);
        return;
    }
    session_consider(snapshot, libssl, ssl);
    if (examine_unknown(snapshot, libssl, ssl) == ABOUT_REPORT)
        tell_unknown(snapshot, libssl, ssl, ABOUT_REPORT);
}

void start_handshake(struct libssl *libssl, SSL *ssl)
{
    int error = errno;
    bool begins = libssl->fn.SSL_in_before(ssl) != 0;
    struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL) {
        connection->judged = false;
        connection_set_due(connection, false);
        connection->certificate_done = false;
        connection->certificate_refused = false;
        connection->certificate_called = false;
        connection_forget_facts(connection);
        /* It comes again after early data, and where a connection is negotiated again. */
        if (begins || libssl->fn.SSL_get_state(ssl) == OSSL_STATE_OK)
            connection->wait = (struct records_wait){0};
        if (begins) {
            connection->refused = false;
            connection->sends_no_name = false;
            connection->talked_before = false;
            connection->certificate_ruled = false;
            connection->session_considered = false;
            certificates_put_back(libssl, ssl, connection);
            connection_mend(libssl, connection);
        }
    }
    snapshot_look(&libssl->fn);
    if (begins) {
        begin_connection(snapshot_acquire(), libssl, ssl);
        snapshot_release();
    } else {
        begin_again(snapshot_acquire(), libssl, ssl);
        snapshot_release();
    }
    errno = error;
}

/* The info callback that is called: the SSL's, else the SSL_CTX's. */
static ossl_info_cb *info_in_force(const struct libssl *libssl, const SSL *ssl)
{
    ossl_info_cb *info = libssl->fn.SSL_get_info_callback(ssl);
    return info != NULL ? info : libssl->fn.SSL_CTX_get_info_callback(libssl->fn.SSL_get_SSL_CTX(ssl));
}

/*
 * Sees to it that we hear of this handshake: a program may have put its info callback in the place of ours
 * through dlsym, where no hook sees it. False: memory is short.
 */
static bool make_heard(struct libssl *libssl, SSL *ssl)
{
    ossl_info_cb *info = libssl->fn.SSL_get_info_callback(ssl); /* NULL: the SSL_CTX is asked each time */
    struct connection *connection = connection_make(libssl, ssl);
    if (connection == NULL)
        return false;
    connection->info = info;
    libssl_note_info(libssl, info);
    libssl->fn.SSL_set_info_callback(ssl, libssl->on_info);
    start_handshake(libssl, ssl);
    return true;
}

/*
 * Where the start was not heard it is too late to take a session back, and its early data would leave before
 * the end of the handshake is judged.
 */
static bool is_refused_late(const struct snapshot *snapshot, struct libssl *libssl, SSL *ssl)
{
    if (!snapshot_is_in_force(snapshot, &libssl->fn))
        return false;
    note_peer(snapshot, libssl, ssl);      /* there is a place for it */
    upstream_begin(snapshot, libssl, ssl); /* as well */
    if (session_is_admitted(snapshot, libssl, ssl, false))
        return false;
    refuse_with_words(libssl,
                      "the session that is offered is not one that the policy admits; connect without it");
    return true;
}

/* Where nothing was heard of the start; from now on we hear of this handshake. */
static bool is_refused_unheard(struct libssl *libssl, SSL *ssl)
{
    if (info_in_force(libssl, ssl) == libssl->on_info)
        return false;
    if (!make_heard(libssl, ssl)) {
        refuse_with_words(libssl, no_memory);
        return true;
    }
    bool refused = is_refused_late(snapshot_acquire(), libssl, ssl);
    snapshot_release();
    return refused;
}

/*
 * Will the ClientHello be encrypted (4.0 and later)? OpenSSL fails then to copy an extension that adds
 * nothing from the inner to the outer one, so an empty one is sent.
 */
static bool is_encrypted(const struct libssl *libssl, const SSL *ssl)
{
    OSSL_ECHSTORE *store = libssl->fn.SSL_get1_echstore == NULL ? NULL : libssl->fn.SSL_get1_echstore(ssl);
    if (store == NULL)
        return false;
    libssl->fn.OSSL_ECHSTORE_free(store);
    return true;
}

int on_client_hello(SSL *ssl, unsigned ext_type, unsigned context, const unsigned char **out, size_t *outlen,
                    X509 *x, size_t chainidx, int *al, void *add_arg)
{
    struct libssl *libssl = add_arg;
    (void)ext_type;
    (void)context;
    (void)out;
    (void)x;
    (void)chainidx;
    *al = OSSL_AD_NO_ALERT; /* nothing leaves */
    if (start_is_refused(libssl, ssl) || is_refused_unheard(libssl, ssl))
        return -1;
    *outlen = 0;
    return is_encrypted(libssl, ssl);
}
