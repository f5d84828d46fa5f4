/* A library that makes an SSL_CTX in its constructor, as C++ programs do: before a preload's constructor
 * runs. */
#include <openssl/ssl.h>

static SSL_CTX *early;

SSL_CTX *early_context(void);

__attribute__((constructor)) static void make(void)
{
    early = SSL_CTX_new(TLS_client_method());
}

SSL_CTX *early_context(void)
{
    return early;
}
