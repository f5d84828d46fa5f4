#include "cli/security_level.h"

#include <string.h>

/* Another libcrypto than that of the certificates could make nothing of them. */
void security_check_open(struct security_check *check, const struct ossl *ossl)
{
    *check = (struct security_check){.context = NULL};
    if (!crypto_open_ssl(&check->crypto) || check->crypto.ossl.d2i_X509 != ossl->d2i_X509)
        return;
    check->context = check->crypto.SSL_CTX_new(check->crypto.TLS_client_method());
    if (check->context != NULL)
        check->crypto.SSL_CTX_set_security_level(check->context, SECURITY_LEVEL);
}

void security_check_close(struct security_check *check)
{
    if (check->context != NULL)
        check->crypto.SSL_CTX_free(check->context);
    check->context = NULL;
}

/* A certificate of the chain has to meet what the leaf has to. */
static const char *fault_of(const struct security_check *check, X509 *certificate)
{
    const struct crypto *crypto = &check->crypto;
    const char *fault = NULL;
    crypto->ossl.ERR_set_mark();
    if (crypto->SSL_CTX_use_certificate(check->context, certificate) != 1) {
        fault = crypto->ERR_reason_error_string(crypto->ossl.ERR_peek_last_error());
        fault = fault != NULL ? fault : "it is refused";
    }
    crypto->ossl.ERR_pop_to_mark();
    return fault;
}

const char *security_check_fault(const struct security_check *check, const struct credential *credential)
{
    const char *fault = check->context == NULL ? NULL : fault_of(check, credential->leaf);
    for (size_t i = 0; check->context != NULL && fault == NULL && i < credential->chain_count; i++)
        fault = fault_of(check, credential->chain[i]);
    return fault;
}
