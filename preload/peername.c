#include "preload/peername.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static bool is_same(const struct domain *a, const struct domain *b)
{
    return a->kind == b->kind && a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static void add_name(struct peer *peer, const char *name, enum peer_how how)
{
    struct domain *domain = &peer->names[peer->name_count].domain;
    if (name == NULL || peer->name_count == PEER_NAMES_MAX || !domain_from_peer(name, domain))
        return;
    for (size_t i = 0; i < peer->name_count; i++) {
        if (is_same(domain, &peer->names[i].domain))
            return;
    }
    peer->names[peer->name_count++].how = how;
}

static void add_verify_name(const struct libssl *libssl, const SSL *ssl, struct peer *peer)
{
    X509_VERIFY_PARAM *param = libssl->fn.SSL_get0_param((SSL *)(uintptr_t)ssl);
    const char *host = NULL;
    if (libssl->fn.X509_VERIFY_PARAM_get0_host != NULL)
        host = libssl->fn.X509_VERIFY_PARAM_get0_host(param, 0);
    if (host != NULL) {
        peer->is_verified = true;
        add_name(peer, host, PEER_HOW_VERIFY_NAME);
        return;
    }
    if (libssl->fn.X509_VERIFY_PARAM_get1_ip_asc == NULL)
        return;
    libssl->fn.ERR_set_mark(); /* no address is an error to it */
    char *address = libssl->fn.X509_VERIFY_PARAM_get1_ip_asc(param);
    libssl->fn.ERR_pop_to_mark();
    peer->is_verified = address != NULL;
    add_name(peer, address, PEER_HOW_VERIFY_NAME);
    libssl->fn.CRYPTO_free(address, __FILE__, __LINE__);
}

/* The address and port of the socket, where the connection has one of its own. */
static bool find_address(const struct libssl *libssl, const SSL *ssl, struct domain *address, uint16_t *port)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } remote;
    socklen_t size = sizeof remote;
    int error = errno;
    int descriptor = libssl->fn.SSL_get_fd(ssl);
    bool found = descriptor >= 0 && getpeername(descriptor, &remote.any, &size) == 0 &&
                 domain_from_sockaddr(&remote.any, address, port);
    errno = error;
    return found;
}

void peer_find(const struct libssl *libssl, const SSL *ssl, struct peer *peer)
{
    char text[DOMAIN_TEXT_SIZE];
    struct domain address;
    peer->name_count = 0;
    peer->port = 0;
    peer->port_is_own = false;
    peer->is_verified = false;
    peer->address[0] = '\0';
    add_name(peer, libssl->fn.SSL_get_servername(ssl, OSSL_NAMETYPE_HOST_NAME), PEER_HOW_SNI);
    add_verify_name(libssl, ssl, peer);
    bool known = find_address(libssl, ssl, &address, &peer->port);
    if (known) {
        domain_format(&address, text);
        memcpy(peer->address, text, strlen(text) + 1);
    }
    if (peer->name_count > 0)
        return;
    if (known)
        peer->names[0] = (struct peer_name){address, PEER_HOW_ADDRESS};
    else
        peer->names[0] = (struct peer_name){{.kind = DOMAIN_ALL}, PEER_HOW_NONE};
    peer->name_count = 1;
}
