#include "preload/used.h"

#include "preload/connection.h"
#include "preload/peername.h"
#include "preload/process.h"

/* Who the server is is found out only where there is something to tell. */
void used_certificate(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl,
                      X509 *certificate, const int64_t *not_after, enum certificate_role role)
{
    struct peer peer;
    char domain[DOMAIN_TEXT_SIZE];
    struct records_wait own = {0};
    bool needed = not_after != NULL ? monitor_is_needed_for(snapshot->policy, *not_after)
                                    : monitor_is_needed(snapshot->policy, &libssl->fn, certificate);
    if (!needed)
        return;
    struct records_wait *wait = connection_wait(libssl, ssl);
    peer_find(libssl, ssl, &peer);
    const struct domain *name = &peer.names[0].domain;
    domain_format(name, domain);
    const struct monitored monitored = {
        .ossl = &libssl->fn,
        .certificate = certificate,
        .role = role,
        .domain = name->kind == DOMAIN_ALL ? NULL : domain,
        .port = peer.port,
        .peer_address = peer.address,
    };
    monitor_check(process_reporter(), snapshot->policy, &monitored, wait == NULL ? &own : wait);
}
