#include "preload/upstream.h"

#include <errno.h>
#include <time.h>

#include "policy/monitor.h"
#include "preload/accepts.h"
#include "preload/certificates.h"
#include "preload/fetch.h"
#include "preload/notice.h"
#include "preload/peername.h"
#include "preload/upstream_session.h"
#include "preload/upstream_tell.h"
#include "preload/used.h"

bool upstream_has_rules(const struct snapshot *snapshot)
{
    return snapshot->state == POLICY_LOADED &&
           (snapshot->policy->upstream.count > 0 ||
            (snapshot->section != NULL && snapshot->section->upstream.count > 0));
}

/* An address that is verified beside a name leads to the port too. */
static bool needs_address(const struct rule_index *index)
{
    return rule_index_has_addresses(index) || rule_index_has_port(index);
}

void upstream_ask(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl,
                  struct asking *asking)
{
    asking->snapshot = snapshot;
    asking->libssl = libssl;
    asking->ssl = ssl;
    asking->answer = UPSTREAM_NONE;
    asking->found = (struct upstream_found){NULL, NULL};
    asking->mode = MODE_OFF;
    if (!upstream_has_rules(snapshot))
        return;
    if (needs_address(&snapshot->policy->upstream) ||
        (snapshot->section != NULL && needs_address(&snapshot->section->upstream)))
        peer_find(libssl, ssl, &asking->peer);
    else
        peer_find_by_names(libssl, ssl, &asking->peer);
    asking->answer = upstream_find(snapshot->policy, snapshot->section, &asking->peer, &asking->found);
    if (asking->found.rule != NULL)
        asking->mode = policy_upstream_mode(snapshot->policy, asking->found.rule);
}

bool upstream_begin(const struct snapshot *snapshot, struct libssl *libssl, SSL *ssl)
{
    struct asking asking;
    upstream_ask(snapshot, libssl, ssl, &asking);
    bool watches = asking.found.rule != NULL;
    struct connection *connection = watches ? connection_make(libssl, ssl) : connection_of(libssl, ssl);
    if (connection == NULL)
        return !watches;
    connection->certificate_ruled = asking.answer != UPSTREAM_NONE;
    connection->certificate_watched = connection->certificate_watched || watches;
    /* Each time: a program may have put another in its place through dlsym, where no hook sees it. */
    if (connection->certificate_watched)
        upstream_watch(libssl, ssl, connection);
    return true;
}

/* A copy of an SSL keeps the callback with its argument, so that is none that ends with the SSL; but QUIC's
 * cannot be copied. */
void upstream_watch(struct libssl *libssl, SSL *ssl, struct connection *connection)
{
    if (libssl->fn.SSL_is_quic == NULL || !libssl->fn.SSL_is_quic(ssl)) {
        libssl->fn.SSL_set_cert_cb(ssl, on_certificate, libssl);
        return;
    }
    connection->quic = ssl;
    connection->quic_libssl = libssl;
    libssl->fn.SSL_set_cert_cb(ssl, on_quic_certificate, connection);
}

/* The program's own callback, with the SSL that OpenSSL would give it. */
static int ask_program(const struct libssl *libssl, SSL *given, const struct connection *connection)
{
    const struct context *context = context_of_ssl(libssl, given);
    const struct certificate_callback *callback = connection->certificate_is_own ? &connection->certificate
                                                  : context == NULL              ? NULL
                                                                                 : &context->certificate;
    return callback == NULL || callback->function == NULL ? 1 : callback->function(given, callback->arg);
}

static bool has_own(const struct libssl *libssl, const SSL *ssl)
{
    return libssl->fn.SSL_get_certificate(ssl) != NULL && libssl->fn.SSL_get_privatekey(ssl) != NULL;
}

/* Is a rule in force that lets the program keep its own certificate? */
static bool keeps_programs(const struct libssl *libssl, SSL *ssl)
{
    struct asking asking;
    upstream_ask(snapshot_acquire(), libssl, ssl, &asking);
    bool keeps = asking.answer == UPSTREAM_RULE && asking.found.rule->keep_program_certificate;
    snapshot_release();
    return keeps;
}

/*
 * OpenSSL asks this callback only where there is no certificate, so it comes before ours where the program's
 * is to be kept. What it gives is set as OpenSSL would set it.
 */
static int ask_client_callback(const struct libssl *libssl, SSL *ssl, SSL *given)
{
    const struct ossl *ossl = &libssl->fn;
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    ossl_client_cert_cb *callback = ossl->SSL_CTX_get_client_cert_cb(ossl->SSL_get_SSL_CTX(ssl));
    if (callback == NULL || has_own(libssl, ssl) || !keeps_programs(libssl, ssl))
        return 1;
    int answer = callback(given, &leaf, &key);
    if (answer < 0)
        return answer;
    if (answer > 0 && leaf != NULL && key != NULL && ossl->SSL_use_certificate(ssl, leaf) == 1)
        ossl->SSL_use_PrivateKey(ssl, key);
    ossl->X509_free(leaf);
    ossl->EVP_PKEY_free(key);
    return 1;
}

/* What a choice for one server needs to know. */
struct choosing {
    const struct asking *asking;
    const struct credential *set; /* is in the SSL; NULL: none */
    struct not_taken not_taken;
};

static bool set(struct choosing *choosing, const struct credential *credential)
{
    const struct asking *asking = choosing->asking;
    if (choosing->set == credential)
        return true;
    bool done = certificates_set(asking->libssl, asking->ssl, credential);
    choosing->set = done ? credential : NULL;
    return done;
}

/* In "report" nothing is tried, for that changes what the SSL holds. */
static bool accepts(void *context, const struct credential *credential)
{
    struct choosing *choosing = context;
    const struct asking *asking = choosing->asking;
    if (!accepts_key(asking->libssl, asking->ssl, credential->leaf, credential->key))
        return false;
    if (asking->mode != MODE_ENFORCE || set(choosing, credential))
        return true;
    if (choosing->not_taken.count < NOT_TAKEN_MAX)
        choosing->not_taken.credentials[choosing->not_taken.count++] = credential;
    return false;
}

static bool choose(struct choosing *choosing, struct connection *connection, struct upstream_choice *choice)
{
    const struct asking *asking = choosing->asking;
    const struct ossl *ossl = &asking->libssl->fn;
    const struct upstream_demand demand = {
        .ossl = ossl,
        .names = ossl->SSL_get_client_CA_list(asking->ssl),
        .accepts = accepts,
        .context = choosing,
        .now = time(NULL),
    };
    fetch_candidates(asking->snapshot->policy, asking->libssl, asking->found.rule, &connection->wait);
    return upstream_choose(asking->snapshot->policy, asking->found.rule, &demand, choice);
}

/* The session that is being made, or the next one, after a handshake. */
static void mark(const struct asking *asking, enum shown shown, const struct upstream_choice *choice)
{
    unsigned char basis[BASIS_SIZE];
    const X509 *leaf = shown == SHOWN_PROGRAMS ? asking->libssl->fn.SSL_get_certificate(asking->ssl) : NULL;
    if (!upstream_basis(asking->libssl, choice, asking->found.rule->keep_program_certificate, leaf, basis))
        basis[0] ^= 1; /* memory is short: it equals nothing */
    upstream_mark(asking->libssl, asking->ssl, shown, basis);
}

/* The one place where a certificate is presented. */
static void present(const struct asking *asking, struct connection *connection,
                    const struct upstream_considered *chosen)
{
    certificates_note_ours(asking->libssl, connection, chosen->credential->leaf);
    connection_set_due(connection, asking->found.rule->required);
    upstream_tell(asking, "presents the client certificate", chosen->candidate->name);
    used_certificate(asking->snapshot, asking->libssl, asking->ssl, chosen->credential->leaf,
                     &chosen->credential->not_after, CERTIFICATE_UPSTREAM);
}

/* 1: OpenSSL goes on with what is set. 0: the handshake is refused. */
static int show(const struct asking *asking, struct connection *connection)
{
    struct choosing choosing = {.asking = asking};
    struct upstream_choice choice = {.items = NULL};
    const struct libssl *libssl = asking->libssl;
    libssl->fn.ERR_set_mark();
    bool whole = certificates_keep(libssl, asking->ssl, connection) && choose(&choosing, connection, &choice);
    bool shown = whole && choice.chosen != NULL && set(&choosing, choice.chosen->credential);
    if (!shown)
        certificates_put_back(libssl, asking->ssl, connection);
    libssl->fn.ERR_pop_to_mark(); /* what was not taken is told, and need not end the handshake */
    if (shown) {
        mark(asking, SHOWN_OURS, &choice);
        present(asking, connection, choice.chosen);
    } else {
        mark(asking, SHOWN_PROGRAMS, whole ? &choice : NULL);
        whole = whole && choice.chosen == NULL; /* else it was set before, and memory has run out since */
        upstream_tell_unavailable(asking, whole ? &choice : NULL, &choosing.not_taken, NULL);
    }
    upstream_choice_free(&choice);
    return shown || !asking->found.rule->required;
}

/* Where the rule is only reported. */
static void report(const struct asking *asking, struct connection *connection)
{
    struct choosing choosing = {.asking = asking};
    struct upstream_choice choice;
    asking->libssl->fn.ERR_set_mark();
    bool whole = choose(&choosing, connection, &choice);
    asking->libssl->fn.ERR_pop_to_mark();
    if (!whole)
        upstream_tell_unavailable(asking, NULL, NULL, NULL);
    else if (choice.chosen == NULL)
        upstream_tell_unavailable(asking, &choice, NULL, NULL);
    else
        upstream_tell(asking, "reported, would present the client certificate",
                      choice.chosen->candidate->name);
    upstream_choice_free(&choice);
}

static int decide(const struct asking *asking, struct connection *connection)
{
    if (asking->answer == UPSTREAM_NONE)
        upstream_unmark(asking->libssl, asking->ssl);
    if (asking->found.rule == NULL)
        return 1;
    bool keeps = asking->found.rule->keep_program_certificate && has_own(asking->libssl, asking->ssl);
    if (asking->answer == UPSTREAM_NONE) {
        report(asking, connection);
        return 1;
    }
    if (asking->answer == UPSTREAM_RULE && !keeps)
        return show(asking, connection);
    mark(asking, SHOWN_PROGRAMS, NULL);
    if (asking->answer == UPSTREAM_RULE) {
        upstream_tell(asking, "keeps the program's own client certificate", NULL);
        return 1;
    }
    upstream_tell_unavailable(asking, NULL, NULL, NULL);
    return !asking->found.rule->required;
}

/* The program's callbacks. While the second one waits OpenSSL would not call the first one again. */
static int ask_callbacks(const struct libssl *libssl, SSL *ssl, SSL *given, struct connection *connection)
{
    int answer = connection->certificate_called ? 1 : ask_program(libssl, given, connection);
    if (answer <= 0 || libssl->fn.SSL_is_server(ssl))
        return answer;
    answer = ask_client_callback(libssl, ssl, given);
    connection->certificate_called = answer < 0;
    return answer;
}

/* `given`: the SSL that OpenSSL calls the callback with. */
static int answer_server(struct libssl *libssl, SSL *ssl, SSL *given, struct connection *connection)
{
    connection_set_due(connection, false);
    certificates_put_back(libssl, ssl, connection);
    int answer = ask_callbacks(libssl, ssl, given, connection);
    if (answer <= 0 || libssl->fn.SSL_is_server(ssl))
        return answer;
    int error = errno;
    struct asking asking;
    if (connection->certificate_done)
        connection->wait = (struct records_wait){0};
    upstream_ask(snapshot_acquire(), libssl, ssl, &asking);
    answer = decide(&asking, connection);
    connection->certificate_refused = answer == 0;
    snapshot_release();
    errno = error;
    return answer;
}

int on_certificate(SSL *ssl, void *arg)
{
    struct libssl *libssl = arg;
    struct connection *connection = connection_of(libssl, ssl);
    return connection == NULL ? 1 : answer_server(libssl, ssl, ssl, connection);
}

int on_quic_certificate(SSL *ssl, void *arg)
{
    struct connection *connection = arg;
    return answer_server(connection->quic_libssl, connection->quic, ssl, connection);
}

void upstream_end(const struct libssl *libssl, SSL *ssl, struct connection *connection)
{
    if (connection->kept == NULL || libssl->fn.SSL_get_state(ssl) != OSSL_STATE_OK)
        return;
    int error = errno;
    certificates_put_back(libssl, ssl, connection);
    errno = error;
}

/* OpenSSL has made its own choice now, and knows more of what the server takes than it tells. */
void upstream_check_due(struct libssl *libssl, SSL *ssl, struct connection *connection)
{
    int algorithm;
    connection_set_due(connection, false);
    if (certificates_are_ours(libssl, ssl, connection) &&
        libssl->fn.SSL_ctrl(ssl, OSSL_CTRL_GET_SIGNATURE_NID, 0, &algorithm) == 1)
        return;
    int error = errno;
    struct asking asking;
    upstream_ask(snapshot_acquire(), libssl, ssl, &asking);
    if (asking.found.rule != NULL)
        upstream_tell_unavailable(&asking, NULL, NULL,
                                  "OpenSSL does not send it to this server: the server does not accept how "
                                  "it is signed, or asks after the "
                                  "handshake on a resumed session, where OpenSSL 1.1.1 sends none");
    snapshot_release();
    connection_cut(libssl, ssl);
    errno = error;
}
