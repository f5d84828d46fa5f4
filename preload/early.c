#include "preload/early.h"

#include "preload/examine.h"
#include "preload/notice.h"

#include <errno.h>

void early_without_external_key(const struct libssl *libssl, SSL *ssl)
{
    const struct shown nothing = {0};
    if (examine_is_needed() && examine_would_refuse(libssl, ssl, nothing))
        libssl->fn.SSL_set_psk_use_session_callback(ssl, NULL);
}

void early_data_is_near(struct libssl *libssl, SSL *ssl)
{
    int error = errno;
    start_handshake(libssl, ssl);
    early_without_external_key(libssl, ssl);
    errno = error;
}
