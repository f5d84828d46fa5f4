#include "preload/upstream_session.h"

#include <string.h>
#include <time.h>

#include "preload/certificates.h"
#include "preload/fetch.h"

/* The form of the mark; of one size, so that it can be written over in its place. */
struct mark {
    char magic[15];
    char shown; /* enum shown */
    unsigned char basis[BASIS_SIZE];
};
static const char magic[15] = "tlsgraft cert 1";

/* NULL: it has none of ours. */
static struct mark *mark_of(const struct libssl *libssl, SSL_SESSION *session)
{
    void *data = NULL;
    size_t length = 0;
    if (libssl->fn.SSL_SESSION_get0_ticket_appdata(session, &data, &length) != 1 || data == NULL ||
        length != sizeof(struct mark) || memcmp(data, magic, sizeof magic) != 0)
        return NULL;
    return data;
}

static bool has_other_data(const struct libssl *libssl, SSL_SESSION *session)
{
    void *data = NULL;
    size_t length = 0;
    return libssl->fn.SSL_SESSION_get0_ticket_appdata(session, &data, &length) == 1 && length > 0;
}

static bool is_usable(const struct upstream_choice *choice)
{
    for (size_t i = 0; choice != NULL && i < choice->count; i++) {
        if (choice->items[i].credential != NULL)
            return true;
    }
    return false;
}

/*
 * Adds a digest, and in one letter what it is of. The first is taken as it is, which mostly is all; each
 * further one is hashed with what came before.
 */
static bool fold(const struct ossl *ossl, unsigned char basis[BASIS_SIZE],
                 const unsigned char digest[PIN_BYTES], char what)
{
    if (basis[0] == '\0') {
        basis[0] = (unsigned char)what;
        memcpy(basis + 1, digest, BASIS_SIZE - 1);
        return true;
    }
    const struct piece pieces[] = {{basis, BASIS_SIZE}, {&what, 1}, {digest, PIN_BYTES}};
    unsigned char all[PIN_BYTES];
    if (!ossl_sha256(ossl, pieces, sizeof pieces / sizeof *pieces, all))
        return false;
    memcpy(basis + 1, all, BASIS_SIZE - 1);
    return true;
}

/* No certificate: all zero, which is no hash that anybody finds. */
static bool digest_leaf(const struct ossl *ossl, const X509 *leaf, unsigned char digest[PIN_BYTES])
{
    unsigned char *der = NULL;
    memset(digest, 0, PIN_BYTES);
    if (leaf == NULL)
        return true;
    int length = ossl->i2d_X509(leaf, &der);
    if (length < 0 || der == NULL)
        return false;
    const struct piece piece = {der, (size_t)length};
    bool done = ossl_sha256(ossl, &piece, 1, digest);
    ossl->CRYPTO_free(der, __FILE__, __LINE__);
    return done;
}

bool upstream_basis(const struct libssl *libssl, const struct upstream_choice *choice, bool keeps,
                    const X509 *leaf, unsigned char basis[BASIS_SIZE])
{
    const struct ossl *ossl = &libssl->fn;
    unsigned char digest[PIN_BYTES];
    bool done = true;
    memset(basis, 0, BASIS_SIZE);
    for (size_t i = 0; choice != NULL && done && i < choice->count; i++) {
        const struct credential *credential = choice->items[i].credential;
        if (credential == NULL)
            continue;
        int64_t now = choice->items[i].now;
        bool valid = credential->not_before <= now && now <= credential->not_after;
        done = fold(ossl, basis, credential->fingerprint, keeps ? (valid ? 'V' : 'X') : (valid ? 'v' : 'x'));
    }
    if (done && ((keeps && leaf != NULL) || !is_usable(choice)))
        done = digest_leaf(ossl, leaf, digest) && fold(ossl, basis, digest, keeps ? 'P' : 'p');
    return done;
}

bool upstream_is_marked(const struct libssl *libssl, const SSL *ssl)
{
    SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    return session != NULL && mark_of(libssl, session) != NULL;
}

void upstream_mark(const struct libssl *libssl, SSL *ssl, enum shown shown,
                   const unsigned char basis[BASIS_SIZE])
{
    SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    struct mark mark = {.shown = (char)shown};
    if (session == NULL)
        return;
    memcpy(mark.magic, magic, sizeof magic);
    memcpy(mark.basis, basis, BASIS_SIZE);
    /*
     * After a handshake (RFC 8446, 4.6.2) the program may have the session already, in other threads too, so
     * nothing is freed there. A mark that is read half written equals none.
     */
    struct mark *before = mark_of(libssl, session);
    if (before != NULL)
        memcpy(before, &mark, sizeof mark);
    else if (!has_other_data(libssl, session))
        libssl->fn.SSL_SESSION_set1_ticket_appdata(session, &mark, sizeof mark);
}

void upstream_unmark(const struct libssl *libssl, SSL *ssl)
{
    SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    const struct mark *mark = session == NULL ? NULL : mark_of(libssl, session);
    unsigned char none[BASIS_SIZE];
    memset(none, 0xff, sizeof none); /* no hash that anybody finds */
    /* What stands for one of ours is not resumed without a rule either. */
    if (mark != NULL)
        upstream_mark(libssl, ssl, mark->shown == SHOWN_OURS ? SHOWN_OURS : SHOWN_PROGRAMS, none);
}

void upstream_mark_not_asked(const struct libssl *libssl, SSL *ssl)
{
    static const unsigned char nothing[BASIS_SIZE];
    const struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL && connection->certificate_ruled)
        upstream_mark(libssl, ssl, SHOWN_NOT_ASKED, nothing);
}

/* Would the rule have the same certificate shown today? */
static bool is_same_today(const struct asking *asking, const struct mark *mark)
{
    struct upstream_choice choice = {.items = NULL};
    unsigned char basis[BASIS_SIZE];
    struct connection *connection = connection_make(asking->libssl, asking->ssl);
    const struct upstream_demand demand = {.ossl = &asking->libssl->fn, .now = time(NULL)};
    const struct upstream_rule *rule = asking->found.rule;
    bool is_chosen = asking->answer == UPSTREAM_RULE;
    if (connection == NULL)
        return false;
    if (is_chosen) {
        fetch_candidates(asking->snapshot->policy, asking->libssl, rule, &connection->wait);
        if (!upstream_choose(asking->snapshot->policy, rule, &demand, &choice))
            return false;
    }
    /* Today it would be refused. */
    bool none = rule->required && !is_usable(&choice);
    /* Where the end of the last handshake was not heard of it is ours that is set yet. */
    const X509 *leaf = connection->kept == NULL ? asking->libssl->fn.SSL_get_certificate(asking->ssl) : NULL;
    bool keeps = rule->keep_program_certificate && is_chosen;
    none = none && (!keeps || leaf == NULL);
    bool done =
        !none && upstream_basis(asking->libssl, is_chosen && (!keeps || leaf == NULL) ? &choice : NULL, keeps,
                                leaf, basis);
    upstream_choice_free(&choice);
    return done && memcmp(basis, mark->basis, BASIS_SIZE) == 0;
}

bool upstream_session_is_admitted(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl)
{
    struct asking asking;
    SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    const struct mark *mark = session == NULL ? NULL : mark_of(libssl, session);
    if (session == NULL || (mark == NULL && !upstream_has_rules(snapshot)))
        return true;
    upstream_ask(snapshot, libssl, ssl, &asking);
    if (asking.answer == UPSTREAM_NONE) {
        if (mark == NULL || mark->shown == SHOWN_OURS)
            return mark == NULL;
        /* Who asks for a certificate after the handshake gets the program's, and nobody hears of it. */
        upstream_unmark(libssl, ssl);
        return true;
    }
    if (mark == NULL)
        return false;
    if (mark->shown == SHOWN_NOT_ASKED)
        return true;
    libssl->fn.ERR_set_mark();
    bool is_same = is_same_today(&asking, mark);
    libssl->fn.ERR_pop_to_mark();
    return is_same;
}
