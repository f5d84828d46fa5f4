#include "preload/session.h"

#include <string.h>

#include "preload/connection.h"
#include "preload/early.h"
#include "preload/examine.h"
#include "preload/upstream_session.h"

/* At most SSL_MAX_SID_CTX_LENGTH, 32 bytes. */
static const unsigned char mark[] = "tlsgraft: verify = pin";
#define MARK_LENGTH ((unsigned)sizeof mark - 1)

static bool is_marked(const struct libssl *libssl, const SSL_SESSION *session)
{
    unsigned length = 0;
    const unsigned char *context = libssl->fn.SSL_SESSION_get0_id_context(session, &length);
    return length == MARK_LENGTH && memcmp(context, mark, MARK_LENGTH) == 0;
}

/* A client's id context means nothing but that it is compared with the session's. */
static bool set_id_context(const struct libssl *libssl, SSL *ssl, bool marked)
{
    struct connection *connection = marked ? connection_make(libssl, ssl) : connection_of(libssl, ssl);
    if (connection == NULL || connection->id_context_changed == marked)
        return connection != NULL || !marked;
    if (libssl->fn.SSL_set_session_id_context(ssl, mark, marked ? MARK_LENGTH : 0) != 1)
        return false;
    connection->id_context_changed = marked;
    return true;
}

bool session_mark(const struct libssl *libssl, SSL *ssl)
{
    SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    return session != NULL && set_id_context(libssl, ssl, true) &&
           libssl->fn.SSL_SESSION_set1_id_context(session, mark, MARK_LENGTH) == 1;
}

static EVP_PKEY *raw_key_of(const struct libssl *libssl, SSL_SESSION *session)
{
    return libssl->fn.SSL_SESSION_get0_peer_rpk == NULL ? NULL
                                                        : libssl->fn.SSL_SESSION_get0_peer_rpk(session);
}

/* May it be resumed? What is asked of it is what is asked of a connection, but nothing can be verified. */
static bool may_resume(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl,
                       SSL_SESSION *session, bool marked, bool quiet)
{
    struct examined examined;
    const struct showing showing = {
        .snapshot = snapshot,
        .libssl = libssl,
        .ssl = ssl,
        .leaf = libssl->fn.SSL_SESSION_get0_peer(session),
        .raw_key = raw_key_of(libssl, session),
        .version = libssl->fn.SSL_SESSION_get_protocol_version(session),
        .resumed = true,
        .quiet = quiet,
    };
    if (!marked && !examine_is_needed(snapshot))
        return true;
    examine_peer(&showing, &examined);
    return examined.outcome != OUTCOME_REFUSED && (!marked || examined.loosens);
}

bool session_is_admitted(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl, bool quiet)
{
    SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    /* While a ClientHello is built, one without a peer is the one that is being made. */
    if (session == NULL ||
        (libssl->fn.SSL_SESSION_get0_peer(session) == NULL && raw_key_of(libssl, session) == NULL))
        return true;
    return may_resume(snapshot, libssl, ssl, session, is_marked(libssl, session), quiet) &&
           upstream_session_is_admitted(snapshot, libssl, ssl);
}

void session_consider_again(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl)
{
    /* Not SSL_set_session, which would begin the connection anew. What is removed is not offered any more. */
    if (!session_is_admitted(snapshot, libssl, ssl, true))
        libssl->fn.SSL_CTX_remove_session(libssl->fn.SSL_get_SSL_CTX(ssl), libssl->fn.SSL_get_session(ssl));
}

void session_consider(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl)
{
    SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    bool marked = session != NULL && is_marked(libssl, session);
    if (session != NULL && (!may_resume(snapshot, libssl, ssl, session, marked, true) ||
                            !upstream_session_is_admitted(snapshot, libssl, ssl))) {
        libssl->fn.SSL_set_session(ssl, NULL);
        marked = false;
    }
    if (!set_id_context(libssl, ssl, marked))
        libssl->fn.SSL_set_session(ssl, NULL);
    struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL)
        connection->session_considered = true;
    if (libssl->fn.SSL_get_session(ssl) != NULL)
        early_without_external_key(snapshot, libssl, ssl);
}
