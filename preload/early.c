#include "preload/early.h"

#include <errno.h>

#include "preload/examine.h"
#include "preload/notice.h"

#define TLS_1_3_NUMBER 0x0304

void early_without_external_key(const struct snapshot *snapshot, const struct libssl *libssl, SSL *ssl)
{
    struct examined examined;
    const struct showing nothing = {
        .snapshot = snapshot, .libssl = libssl, .ssl = ssl, .version = TLS_1_3_NUMBER, .quiet = true};
    if (!examine_is_needed(snapshot))
        return;
    examine_peer(&nothing, &examined);
    if (examined.outcome == OUTCOME_REFUSED)
        libssl->fn.SSL_set_psk_use_session_callback(ssl, NULL);
}

void early_data_is_near(struct libssl *libssl, SSL *ssl)
{
    int error = errno;
    start_handshake(libssl, ssl);
    const struct snapshot *snapshot = snapshot_acquire();
    if (snapshot_is_in_force(snapshot, &libssl->fn))
        early_without_external_key(snapshot, libssl, ssl);
    snapshot_release();
    errno = error;
}
