#include "preload/peername.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "preload/answers.h"
#include "preload/connection.h"
#include "preload/connects.h"
#include "preload/verifyname.h"

static bool is_same(const struct domain *a, const struct domain *b)
{
    return a->kind == b->kind && a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static void add_name(struct peer *peer, const char *name, enum peer_how how)
{
    struct domain domain;
    if (name == NULL || name[0] == '\0')
        return;
    if (!domain_from_peer(name, &domain)) {
        peer->names_left_out = true;
        return;
    }
    for (size_t i = 0; i < peer->name_count; i++) {
        if (is_same(&domain, &peer->names[i].domain))
            return;
    }
    if (peer->name_count == PEER_NAMES_MAX)
        peer->names_left_out = true;
    else
        peer->names[peer->name_count++] = (struct peer_name){domain, how};
}

static const char *name_of_session(const struct libssl *libssl, const SSL *ssl)
{
    const SSL_SESSION *session = libssl->fn.SSL_get_session(ssl);
    return session == NULL ? NULL : libssl->fn.SSL_SESSION_get0_hostname(session);
}

/*
 * The name that is sent. Where the program sets none, SSL_get_servername() answers that of a session of TLS
 * 1.2 or less which is to be resumed, or was; of that nothing is sent.
 */
static const char *name_sent(const struct libssl *libssl, const SSL *ssl)
{
    const char *name = libssl->fn.SSL_get_servername(ssl, OSSL_NAMETYPE_HOST_NAME);
    if (name == NULL || name != name_of_session(libssl, ssl))
        return name;
    const struct connection *connection = connection_of(libssl, ssl);
    bool sends_none = connection != NULL && connection->sends_no_name;
    return sends_none || libssl->fn.SSL_in_before(ssl) ? NULL : name;
}

bool peer_has_sni(const struct libssl *libssl, const SSL *ssl)
{
    const char *name = name_sent(libssl, ssl);
    return name != NULL && name[0] != '\0' && strlen(name) <= DOMAIN_NAME_MAX;
}

struct verified {
    struct peer *peer;
    const char *sent; /* the name that is sent, which is there already; NULL: none */
};

/* Mostly it is the one that is sent, letter for letter. */
static void add_verify_name(const char *name, void *context)
{
    const struct verified *verified = context;
    verified->peer->is_verified = true;
    if (verified->sent == NULL || strcmp(name, verified->sent) != 0)
        add_name(verified->peer, name, PEER_HOW_VERIFY_NAME);
}

/* The host that a connect BIO was told. Other BIOs may lie above it. */
static void add_bio_host(const struct libssl *libssl, const SSL *ssl, struct peer *peer)
{
    const struct ossl *fn = &libssl->fn;
    char *host = NULL;
    BIO *bio = fn->SSL_get_rbio(ssl);
    while (bio != NULL && fn->BIO_method_type(bio) != OSSL_BIO_TYPE_CONNECT)
        bio = fn->BIO_next(bio);
    if (bio == NULL)
        return;
    fn->ERR_set_mark();
    if (fn->BIO_ctrl(bio, OSSL_BIO_C_GET_CONNECT, 0, &host) > 0)
        add_name(peer, host, PEER_HOW_BIO);
    fn->ERR_pop_to_mark();
}

/* The other end of a connection. */
struct remote {
    bool known;
    struct domain address;
    uint16_t port;
};

static void find_remote_of_socket(int descriptor, struct remote *remote)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } address;
    socklen_t size = sizeof address;
    int error = errno;
    remote->known = getpeername(descriptor, &address.any, &size) == 0 &&
                    domain_from_sockaddr(&address.any, &remote->address, &remote->port);
    errno = error;
}

static void use_record(const struct connect_record *record, struct remote *remote)
{
    remote->known = true;
    remote->port = record->port;
    remote->address = (struct domain){.kind = DOMAIN_ADDRESS, .length = DOMAIN_ADDRESS_BYTES};
    memcpy(remote->address.text, record->address, DOMAIN_ADDRESS_BYTES);
}

/*
 * Does any of the names lead to an address? A program that connects to an address which none does, though it
 * asked for the name, speaks through a proxy.
 */
static enum lead lead_of(const struct peer *peer, const struct domain *address)
{
    enum lead lead = LEAD_UNKNOWN;
    for (size_t i = 0; i < peer->name_count && lead != LEAD_YES; i++) {
        enum lead of_name = answers_lead(&peer->names[i].domain, address);
        if (of_name != LEAD_UNKNOWN)
            lead = of_name;
    }
    return lead;
}

/* The port of a peer that has a name, by the socket. */
static void find_port_of_socket(const struct remote *remote, struct peer *peer)
{
    enum lead lead = remote->known ? lead_of(peer, &remote->address) : LEAD_NO;
    peer->port = lead == LEAD_NO ? 0 : remote->port;
    peer->port_is_own = lead == LEAD_YES;
}

/*
 * The port of a peer that has a name and no socket: where all recent connects to it went to one port. One of
 * them must still be there, for this connection may go through a proxy. The address, if there is only one.
 */
static void find_port_of_name(struct peer *peer, struct remote *remote)
{
    struct connect_record recent[CONNECTS_MAX];
    struct remote to;
    size_t count = connects_are_incomplete() ? 0 : connects_recent(recent);
    bool open = false;
    bool one_address = true;
    bool one_port = true;
    bool others = false; /* any of which may be to a proxy, and carry this one */
    remote->known = false;
    for (size_t i = 0; i < count; i++) {
        use_record(&recent[i], &to);
        if (lead_of(peer, &to.address) != LEAD_YES) {
            others = others || connect_is_open(&recent[i]);
            continue;
        }
        one_port = one_port && (!remote->known || remote->port == to.port);
        one_address = one_address && (!remote->known || is_same(&remote->address, &to.address));
        open = open || connect_is_open(&recent[i]);
        *remote = to;
    }
    peer->port_is_own = remote->known && open && one_port;
    peer->port = peer->port_is_own ? remote->port : 0;
    remote->known = peer->port_is_own && one_address;
    peer->is_concluded = peer->port_is_own && (others || connects_have_unix());
}

/*
 * The other end of a connection without a name and without a socket: where only one connection of the process
 * is still there. The port is 0 where there are several to that address.
 */
static void find_remote_alone(struct peer *peer, struct remote *remote)
{
    struct connect_record recent[CONNECTS_MAX];
    struct remote to;
    size_t count = connects_are_incomplete() ? 0 : connects_recent(recent);
    remote->known = false;
    for (size_t i = 0; i < count; i++) {
        if (!connect_is_open(&recent[i]))
            continue;
        use_record(&recent[i], &to);
        if (!remote->known) {
            *remote = to;
        } else if (!is_same(&remote->address, &to.address)) {
            remote->known = false;
            return;
        } else if (remote->port != to.port) {
            remote->port = 0;
        }
    }
    peer->is_concluded = remote->known && connects_have_unix();
}

/* A peer of which the address alone may be known: that, and what the resolver last gave it for. */
static void name_by_address(const struct remote *remote, struct peer *peer)
{
    if (!remote->known) {
        peer->names[0] = (struct peer_name){{.kind = DOMAIN_ALL}, PEER_HOW_NONE};
        peer->name_count = 1;
        return;
    }
    if (answers_last_name(&remote->address, &peer->names[0].domain, &peer->guess_is_only))
        peer->names[peer->name_count++].how = PEER_HOW_RESOLVER;
    peer->names[peer->name_count++] = (struct peer_name){remote->address, PEER_HOW_ADDRESS};
    peer->port = remote->port;
    peer->port_is_own = remote->port != 0;
}

void peer_find_hosts(const struct libssl *libssl, const SSL *ssl, struct peer *peer)
{
    struct verified verified = {peer, name_sent(libssl, ssl)};
    peer->name_count = 0;
    peer->names_left_out = false;
    peer->port = 0;
    peer->port_is_own = false;
    peer->guess_is_only = false;
    peer->may_be_proxy = false;
    peer->is_concluded = false;
    peer->is_verified = false;
    peer->address[0] = '\0';
    add_name(peer, verified.sent, PEER_HOW_SNI);
    verifyname_each_host(libssl, ssl, add_verify_name, &verified);
}

void peer_find_rest(const struct libssl *libssl, const SSL *ssl, bool addresses, struct peer *peer)
{
    char text[DOMAIN_TEXT_SIZE];
    struct remote remote = {.known = false};
    struct verified verified = {peer, NULL};
    if (addresses || !peer->is_verified || peer->name_count == PEER_NAMES_MAX)
        verifyname_address(libssl, ssl, add_verify_name, &verified);
    if (peer->name_count == 0)
        add_bio_host(libssl, ssl, peer);
    bool named = peer->name_count > 0;
    int descriptor = libssl->fn.SSL_get_fd(ssl);
    if (descriptor >= 0)
        find_remote_of_socket(descriptor, &remote);
    if (named && descriptor >= 0)
        find_port_of_socket(&remote, peer);
    else if (named)
        find_port_of_name(peer, &remote);
    else if (descriptor < 0)
        find_remote_alone(peer, &remote);
    if (!named)
        name_by_address(&remote, peer);
    const struct connection *connection = connection_of(libssl, ssl);
    if (connection != NULL && connection->talked_before) {
        peer->port_is_own = false;
        peer->may_be_proxy = true;
    }
    if (remote.known) {
        domain_format(&remote.address, text);
        memcpy(peer->address, text, strlen(text) + 1);
    }
}

void peer_find(const struct libssl *libssl, const SSL *ssl, struct peer *peer)
{
    peer_find_hosts(libssl, ssl, peer);
    peer_find_rest(libssl, ssl, true, peer);
}

void peer_find_by_names(const struct libssl *libssl, const SSL *ssl, struct peer *peer)
{
    peer_find_hosts(libssl, ssl, peer);
    peer_find_rest(libssl, ssl, false, peer);
}

/*
 * Has the server said what may be a proxy's answer? One byte is none: that is PostgreSQL's answer to an
 * SSLRequest, whose clients may send no name. SOCKS answers with two bytes or more, HTTP's CONNECT with many.
 */
static bool has_answered(int descriptor)
{
    return connect_received(descriptor) > 1;
}

/*
 * How many handshakes without a socket have begun, by a hash of the peer's name, and not ended with their
 * SSLs.
 */
static _Atomic(unsigned) begun[PEER_BEGUN_MAX];

static unsigned place_of(const struct peer *peer)
{
    return domain_hash(&peer->names[0].domain) % PEER_BEGUN_MAX;
}

void peer_end(struct connection *connection)
{
    if (connection->begun != 0)
        atomic_fetch_sub_explicit(&begun[connection->begun - 1], 1, memory_order_relaxed);
    connection->begun = 0;
}

/* How many open connections to a name of the peer have. */
static unsigned count_talked(const struct peer *peer)
{
    struct connect_record recent[CONNECTS_MAX];
    struct remote to;
    unsigned talked = 0;
    size_t count = connects_recent(recent);
    for (size_t i = 0; i < count; i++) {
        use_record(&recent[i], &to);
        talked += lead_of(peer, &to.address) == LEAD_YES && connect_is_open(&recent[i]) &&
                  has_answered(recent[i].descriptor);
    }
    return talked;
}

/*
 * Which of the open connections to the peer this one is cannot be told. But of those that are no more than
 * connections of TLS, none has been answered before its handshake began.
 */
static bool has_any_talked(const struct libssl *libssl, SSL *ssl)
{
    struct peer peer;
    struct connection *connection = connection_make(libssl, ssl);
    peer_find(libssl, ssl, &peer);
    _Atomic(unsigned) *place = &begun[place_of(&peer)];
    if (connection == NULL) /* out of memory: it is not counted */
        return count_talked(&peer) > atomic_load_explicit(place, memory_order_relaxed);
    peer_end(connection);
    unsigned before = atomic_fetch_add_explicit(place, 1, memory_order_relaxed);
    connection->begun = (uint16_t)(place - begun + 1);
    return count_talked(&peer) > before;
}

/*
 * A server that speaks before the ClientHello may be a proxy, which answers CONNECT, and its address and port
 * not the server's.
 */
static bool has_talked(const struct libssl *libssl, SSL *ssl)
{
    int descriptor = libssl->fn.SSL_get_fd(ssl);
    return descriptor < 0 ? has_any_talked(libssl, ssl) : has_answered(descriptor);
}

bool peer_begin(const struct libssl *libssl, SSL *ssl, bool ports_matter, bool addresses_matter)
{
    bool is_name_sent = name_sent(libssl, ssl) != NULL;
    bool sends_no_name = !is_name_sent && name_of_session(libssl, ssl) != NULL;
    bool talked = (ports_matter || (addresses_matter && !is_name_sent)) && has_talked(libssl, ssl);
    struct connection *connection =
        sends_no_name || talked ? connection_make(libssl, ssl) : connection_of(libssl, ssl);
    if (connection == NULL) {
        if (sends_no_name)
            libssl->fn.SSL_set_session(ssl, NULL);
        return !talked;
    }
    connection->sends_no_name = sends_no_name;
    connection->talked_before = talked;
    return true;
}
