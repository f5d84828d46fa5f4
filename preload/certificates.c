#include "preload/certificates.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Of one type of key. All are references. */
struct certificate {
    X509 *leaf;
    EVP_PKEY *key;
    X509_STACK *chain; /* NULL: none */
};

struct certificates_kept {
    atomic_uint references;
    const SSL_CTX *of;       /* the SSL_CTX that the SSL had; never followed */
    X509 *ours;              /* that stands in their place, a reference; NULL: none yet */
    const X509 *current;     /* the leaf that was current, which OpenSSL tells when it is asked for one */
    struct certificate half; /* a leaf without a key, or a key without a leaf; it is current. Else all NULL */
    size_t count;
    struct certificate certificates[];
};

static bool go_to(const struct libssl *libssl, SSL *ssl, long which)
{
    return libssl->fn.SSL_ctrl(ssl, OSSL_CTRL_SET_CURRENT_CERT, which, NULL) == 1;
}

static void release_chain(const struct libssl *libssl, X509_STACK *chain)
{
    const struct ossl *ossl = &libssl->fn;
    for (int i = 0; i < ossl_stack_count(ossl, chain); i++)
        ossl->X509_free(ossl_stack_at(ossl, chain, i));
    ossl->OPENSSL_sk_free((OPENSSL_STACK *)chain);
}

static void release_certificate(const struct libssl *libssl, const struct certificate *certificate)
{
    libssl->fn.X509_free(certificate->leaf);
    libssl->fn.EVP_PKEY_free(certificate->key);
    release_chain(libssl, certificate->chain);
}

static void release(const struct libssl *libssl, struct certificates_kept *kept)
{
    if (kept == NULL || atomic_fetch_sub(&kept->references, 1) != 1)
        return;
    for (size_t i = 0; i < kept->count; i++)
        release_certificate(libssl, &kept->certificates[i]);
    release_certificate(libssl, &kept->half);
    libssl->fn.X509_free(kept->ours);
    free(kept);
}

/* Takes references to the certificate that is current. */
static bool copy_current(const struct libssl *libssl, SSL *ssl, struct certificate *copy)
{
    const struct ossl *ossl = &libssl->fn;
    X509_STACK *chain = NULL;
    *copy = (struct certificate){ossl->SSL_get_certificate(ssl), ossl->SSL_get_privatekey(ssl), NULL};
    ossl->SSL_ctrl(ssl, OSSL_CTRL_GET_CHAIN_CERTS, 0, &chain);
    if (chain != NULL && (copy->chain = ossl->X509_chain_up_ref(chain)) == NULL)
        return false;
    if (copy->leaf != NULL)
        ossl->X509_up_ref(copy->leaf);
    if (copy->key != NULL)
        ossl->EVP_PKEY_up_ref(copy->key);
    return true;
}

/* OpenSSL finds only whole ones among the others. */
static bool is_half(const struct libssl *libssl, const SSL *ssl)
{
    return (libssl->fn.SSL_get_certificate(ssl) == NULL) != (libssl->fn.SSL_get_privatekey(ssl) == NULL);
}

/* Those of an SSL, but for one (NULL: all); *found: that is there too. NULL: memory is short. */
static struct certificates_kept *collect(const struct libssl *libssl, SSL *ssl, const X509 *but, bool *found)
{
    const X509 *current = libssl->fn.SSL_get_certificate(ssl);
    struct certificates_kept *kept;
    bool whole = true;
    size_t count = 0;
    struct certificate half = {NULL, NULL, NULL};
    if (is_half(libssl, ssl) && !copy_current(libssl, ssl, &half))
        return NULL;
    for (bool more = go_to(libssl, ssl, OSSL_CERT_SET_FIRST); more;
         more = go_to(libssl, ssl, OSSL_CERT_SET_NEXT))
        count++;
    kept = calloc(1, sizeof *kept + count * sizeof *kept->certificates);
    if (kept == NULL) {
        release_certificate(libssl, &half);
        return NULL;
    }
    atomic_init(&kept->references, 1);
    kept->half = half;
    kept->of = libssl->fn.SSL_get_SSL_CTX(ssl);
    kept->current = current;
    if (count == 0)
        return kept;
    for (bool more = go_to(libssl, ssl, OSSL_CERT_SET_FIRST); more && whole;
         more = go_to(libssl, ssl, OSSL_CERT_SET_NEXT)) {
        if (libssl->fn.SSL_get_certificate(ssl) == but) {
            *found = true;
            continue;
        }
        whole = kept->count < count && copy_current(libssl, ssl, &kept->certificates[kept->count]);
        kept->count += whole;
    }
    libssl->fn.SSL_ctrl(ssl, OSSL_CTRL_SELECT_CURRENT_CERT, 0, (void *)(uintptr_t)current);
    if (whole)
        return kept;
    release(libssl, kept);
    return NULL;
}

static bool has_any(const struct certificates_kept *kept)
{
    return kept->count > 0 || kept->half.leaf != NULL || kept->half.key != NULL;
}

/* OpenSSL has taken all of it before. Where it does not now, out of memory, the program has none. */
static void set(const struct libssl *libssl, SSL *ssl, const struct certificate *certificate)
{
    const struct ossl *ossl = &libssl->fn;
    if ((certificate->leaf == NULL || ossl->SSL_use_certificate(ssl, certificate->leaf) == 1) &&
        (certificate->key == NULL || ossl->SSL_use_PrivateKey(ssl, certificate->key) == 1) &&
        certificate->chain != NULL)
        ossl->SSL_ctrl(ssl, OSSL_CTRL_CHAIN, 1, certificate->chain);
}

static void set_all(const struct libssl *libssl, SSL *ssl, const struct certificates_kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        set(libssl, ssl, &kept->certificates[i]);
    libssl->fn.SSL_ctrl(ssl, OSSL_CTRL_SELECT_CURRENT_CERT, 0, (void *)(uintptr_t)kept->current);
    if (kept->half.leaf != NULL || kept->half.key != NULL)
        set(libssl, ssl, &kept->half);
}

bool certificates_keep(const struct libssl *libssl, SSL *ssl, struct connection *connection)
{
    bool found = false;
    connection->kept = collect(libssl, ssl, NULL, &found);
    if (connection->kept == NULL)
        return false;
    if (has_any(connection->kept))
        libssl->fn.SSL_certs_clear(ssl);
    return true;
}

/* Those that libssl knows without a provider's word. */
static bool is_built_in(const struct ossl *ossl, const EVP_PKEY *key)
{
    int type = ossl->EVP_PKEY_get_id(key);
    return type == OSSL_NID_RSA || type == OSSL_NID_RSA_PSS || type == OSSL_NID_DSA || type == OSSL_NID_EC ||
           type == OSSL_NID_ED25519 || type == OSSL_NID_ED448;
}

/*
 * All in one call where that is safe, for OpenSSL looks up the type of the key in each, which is half of what
 * it does. 3.2.0 to 3.5.6 and 3.6.0 to 3.6.2 follow a NULL in it where the type is a provider's (ML-DSA).
 */
static bool take(const struct ossl *ossl, SSL *ssl, const struct credential *credential, OPENSSL_STACK *chain)
{
    if (is_built_in(ossl, credential->key))
        return ossl->SSL_use_cert_and_key(ssl, credential->leaf, credential->key, (X509_STACK *)chain, 1) ==
               1;
    if (ossl->SSL_use_certificate(ssl, credential->leaf) == 1 &&
        ossl->SSL_use_PrivateKey(ssl, credential->key) == 1 &&
        ossl->SSL_ctrl(ssl, OSSL_CTRL_CHAIN, 1, chain) == 1)
        return true;
    ossl->SSL_certs_clear(ssl);
    return false;
}

/*
 * Never without a chain, though it be an empty one: else OpenSSL builds one from what the program trusts, or
 * sends that of the program's own certificate.
 */
bool certificates_set(const struct libssl *libssl, SSL *ssl, const struct credential *credential)
{
    const struct ossl *ossl = &libssl->fn;
    OPENSSL_STACK *chain = ossl->OPENSSL_sk_new_null();
    bool done = chain != NULL;
    for (size_t i = 0; done && i < credential->chain_count; i++)
        done = ossl->OPENSSL_sk_push(chain, credential->chain[i]) > 0;
    /* Another of ours, which may be of another type of key. */
    if (ossl->SSL_get_certificate(ssl) != NULL)
        ossl->SSL_certs_clear(ssl);
    done = done && take(ossl, ssl, credential, chain);
    ossl->OPENSSL_sk_free(chain);
    return done;
}

void certificates_note_ours(const struct libssl *libssl, struct connection *connection, X509 *leaf)
{
    if (libssl->fn.X509_up_ref(leaf) == 1)
        connection->kept->ours = leaf;
}

bool certificates_are_ours(const struct libssl *libssl, const SSL *ssl, const struct connection *connection)
{
    return connection->kept != NULL && connection->kept->ours != NULL &&
           libssl->fn.SSL_get_certificate(ssl) == connection->kept->ours;
}

void certificates_put_back(const struct libssl *libssl, SSL *ssl, struct connection *connection)
{
    struct certificates_kept *kept = connection->kept;
    struct certificates_kept *since = NULL;
    if (kept == NULL)
        return;
    /* With another SSL_CTX the SSL has taken over that one's certificates. */
    if (kept->of != libssl->fn.SSL_get_SSL_CTX(ssl)) {
        certificates_drop(libssl, connection);
        return;
    }
    bool ours_stand = kept->ours == NULL || certificates_are_ours(libssl, ssl, connection);
    if (ours_stand && !has_any(kept)) {
        libssl->fn.SSL_certs_clear(ssl);
        certificates_drop(libssl, connection);
        return;
    }
    libssl->fn.ERR_set_mark();
    if (!ours_stand)
        since = collect(libssl, ssl, kept->ours, &ours_stand);
    libssl->fn.SSL_certs_clear(ssl);
    /* Where the program has cleared ours away it has cleared away its own. */
    if (ours_stand || since == NULL)
        set_all(libssl, ssl, kept);
    if (since != NULL)
        set_all(libssl, ssl, since);
    libssl->fn.ERR_pop_to_mark();
    release(libssl, since);
    certificates_drop(libssl, connection);
}

void certificates_drop(const struct libssl *libssl, struct connection *connection)
{
    release(libssl, connection->kept);
    connection->kept = NULL;
}

struct certificates_kept *certificates_share(struct certificates_kept *kept)
{
    if (kept != NULL)
        atomic_fetch_add(&kept->references, 1);
    return kept;
}
