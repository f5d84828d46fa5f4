/* What makes a handshake one of a certain kind: the settings of both sides' contexts. */
#include "peer.h"

#include <string.h>

/* Macros of OpenSSL's headers, whose values have never changed. */
#define CTRL_SET_TICKET_KEYS     59
#define CTRL_SET_GROUPS_LIST     92
#define CTRL_SET_DH_AUTO         118
#define CTRL_SET_MIN_VERSION     123
#define CTRL_SET_MAX_VERSION     124
#define CTRL_SET_SESS_CACHE_MODE 44
#define OP_ALLOW_RENEGOTIATION   (1UL << 8) /* of a client, 3.0 and later */
#define OP_NO_RESUMPTION_THEN    (1UL << 16)
#define OP_NO_ANTI_REPLAY        (1UL << 24)
#define SESS_CACHE_BOTH          3
#define FILETYPE_PEM             1
#define CERT_TYPE_RPK            2
#define VERSION_TLS12            0x0303
#define VERSION_TLS13            0x0304
#define NID_AUTH_PSK             1048
#define NID_AUTH_NULL            1053
#define EARLY_DATA_MOST          16384
#define LAB_PSK_BYTES            32
#define PSK_SUITE                "TLS_AES_128_GCM_SHA256" /* of the hash that the key is for */
#define TLSEXT_ERR_OK            0

const char peer_request[] = "GET / HTTP/1.0\r\n\r\n";
const char peer_answer[] = "hello from the lab\n";

static const unsigned char psk[LAB_PSK_BYTES] = {'l', 'a', 'b'};
static const char psk_identity[] = "lab";
static unsigned psk_early; /* the external session allows so much early data */

static unsigned give_psk(void *ssl, const char *hint, char *identity, unsigned identity_size,
                         unsigned char *key, unsigned key_size)
{
    (void)ssl;
    (void)hint;
    if (identity_size < sizeof psk_identity || key_size < LAB_PSK_BYTES)
        return 0;
    memcpy(identity, psk_identity, sizeof psk_identity);
    memcpy(key, psk, LAB_PSK_BYTES);
    return LAB_PSK_BYTES;
}

static unsigned find_psk(void *ssl, const char *identity, unsigned char *key, unsigned key_size)
{
    (void)ssl;
    if (strcmp(identity, psk_identity) != 0 || key_size < LAB_PSK_BYTES)
        return 0;
    memcpy(key, psk, LAB_PSK_BYTES);
    return LAB_PSK_BYTES;
}

/* The external pre-shared key of TLS 1.3, as a session of TLS_AES_128_GCM_SHA256. */
static void *psk_session(void *ssl)
{
    static const unsigned char suite[] = {0x13, 0x01};
    void *session = ossl.SSL_SESSION_new();
    if (session == NULL || ossl.SSL_SESSION_set1_master_key(session, psk, LAB_PSK_BYTES) != 1 ||
        ossl.SSL_SESSION_set_cipher(session, ossl.SSL_CIPHER_find(ssl, suite)) != 1 ||
        ossl.SSL_SESSION_set_protocol_version(session, VERSION_TLS13) != 1 ||
        ossl.SSL_SESSION_set_max_early_data(session, psk_early) != 1)
        peer_fail("psk session");
    return session;
}

static int use_psk(void *ssl, const void *digest, const unsigned char **id, size_t *id_length, void **session)
{
    (void)digest;
    *id = (const unsigned char *)psk_identity;
    *id_length = strlen(psk_identity);
    *session = psk_session(ssl);
    return 1;
}

static int find_psk_session(void *ssl, const unsigned char *id, size_t id_length, void **session)
{
    *session = id_length == strlen(psk_identity) && memcmp(id, psk_identity, id_length) == 0
                   ? psk_session(ssl)
                   : NULL;
    return 1;
}

static void client_psk12(void *ctx, const struct peer_options *options)
{
    (void)options;
    ossl.SSL_CTX_set_cipher_list(ctx, "ECDHE-PSK-AES128-CBC-SHA256:PSK-AES128-GCM-SHA256");
    ossl.SSL_CTX_set_psk_client_callback(ctx, give_psk);
}

static void server_psk12(void *ctx, const struct peer_options *options)
{
    (void)options;
    ossl.SSL_CTX_set_cipher_list(ctx, "ALL");
    ossl.SSL_CTX_set_psk_server_callback(ctx, find_psk);
}

/* A pre-shared key and a certificate. */
static void client_rsapsk(void *ctx, const struct peer_options *options)
{
    client_psk12(ctx, options);
    ossl.SSL_CTX_set_cipher_list(ctx, "RSA-PSK-AES128-GCM-SHA256");
}

static void client_psk13(void *ctx, const struct peer_options *options)
{
    psk_early = options->drive == DRIVE_EARLY ? EARLY_DATA_MOST : 0;
    ossl.SSL_CTX_set_psk_use_session_callback(ctx, use_psk);
}

static void server_psk13(void *ctx, const struct peer_options *options)
{
    psk_early = options->drive == DRIVE_EARLY ? EARLY_DATA_MOST : 0;
    ossl.SSL_CTX_set_ciphersuites(ctx, PSK_SUITE);
    ossl.SSL_CTX_set_psk_find_session_callback(ctx, find_psk_session);
}

/* The callbacks of TLS 1.2, which serve in 1.3 too. */
static void client_psk_old(void *ctx, const struct peer_options *options)
{
    (void)options;
    ossl.SSL_CTX_set_psk_client_callback(ctx, give_psk);
}

static void server_psk_old(void *ctx, const struct peer_options *options)
{
    (void)options;
    ossl.SSL_CTX_set_ciphersuites(ctx, PSK_SUITE);
    ossl.SSL_CTX_set_psk_server_callback(ctx, find_psk);
}

static void both_adh(void *ctx, const struct peer_options *options)
{
    (void)options;
    ossl.SSL_CTX_set_cipher_list(ctx, "ADH:@SECLEVEL=0");
    ossl.SSL_CTX_ctrl(ctx, CTRL_SET_DH_AUTO, 1, NULL);
}

static void both_aecdh(void *ctx, const struct peer_options *options)
{
    (void)options;
    ossl.SSL_CTX_set_cipher_list(ctx, "AECDH:@SECLEVEL=0");
}

static void both_rpk(void *ctx, const struct peer_options *options)
{
    static const unsigned char types[] = {CERT_TYPE_RPK};
    (void)options;
    if (ossl.SSL_CTX_set1_server_cert_type == NULL ||
        ossl.SSL_CTX_set1_server_cert_type(ctx, types, sizeof types) != 1)
        peer_fail("raw public keys");
}

static void client_later(void *ctx, const struct peer_options *options)
{
    ossl.SSL_CTX_set_post_handshake_auth(ctx, 1);
    ossl.SSL_CTX_use_certificate_chain_file(ctx, options->chain);
    ossl.SSL_CTX_use_PrivateKey_file(ctx, options->key, FILETYPE_PEM);
}

static void server_group(void *ctx, const struct peer_options *options)
{
    static char groups[] = "P-521";
    (void)options;
    ossl.SSL_CTX_ctrl(ctx, CTRL_SET_GROUPS_LIST, 0, groups);
}

static void client_group(void *ctx, const struct peer_options *options)
{
    static char groups[] = "X25519:P-521";
    (void)options;
    ossl.SSL_CTX_ctrl(ctx, CTRL_SET_GROUPS_LIST, 0, groups);
}

/* Each renegotiation shows the certificate. */
static void server_renegotiation(void *ctx, const struct peer_options *options)
{
    (void)options;
    ossl.SSL_CTX_set_options(ctx, OP_ALLOW_RENEGOTIATION | OP_NO_RESUMPTION_THEN);
}

static int take_protocol(void *ssl, const unsigned char **out, unsigned char *out_length,
                         const unsigned char *in, unsigned in_length, void *argument)
{
    (void)ssl;
    (void)argument;
    (void)in_length;
    *out = in + 1;
    *out_length = in[0];
    return TLSEXT_ERR_OK;
}

static void server_quic(void *ctx, const struct peer_options *options)
{
    (void)options;
    ossl.SSL_CTX_set_alpn_select_cb(ctx, take_protocol, NULL);
}

static int give_certificate(void *ssl, void *argument)
{
    const struct peer_options *options = argument;
    return ossl.SSL_use_certificate_file(ssl, options->chain, FILETYPE_PEM) == 1 &&
           ossl.SSL_use_PrivateKey_file(ssl, options->key, FILETYPE_PEM) == 1;
}

static void client_asked(void *ctx, const struct peer_options *options)
{
    ossl.SSL_CTX_set_cert_cb(ctx, give_certificate, (void *)(size_t)options);
}

static const struct peer_kind kinds[] = {
    {"plain", 0, 0, NULL, NULL},
    {"psk12", 12, 0, client_psk12, server_psk12},
    {"rsapsk", 12, 0, client_rsapsk, server_psk12},
    {"psk13", 13, KIND_EARLY_DATA, client_psk13, server_psk13},
    {"psk13-old", 13, 0, client_psk_old, server_psk_old},
    {"adh", 12, 0, both_adh, both_adh},
    {"aecdh", 12, 0, both_aecdh, both_aecdh},
    {"rpk", 0, 0, both_rpk, both_rpk},
    {"later", 13, KIND_ASKS_LATER, client_later, NULL},
    {"renegotiation", 12, KIND_RENEGOTIATES, NULL, server_renegotiation},
    {"renegotiation-by-client", 12, KIND_RENEGOTIATED, NULL, server_renegotiation},
    {"dtls", 0, KIND_DATAGRAMS, NULL, NULL},
    {"dtls-psk", 0, KIND_DATAGRAMS, client_psk12, server_psk12},
    {"quic", 0, KIND_QUIC | KIND_DATAGRAMS, NULL, server_quic},
    {"quic-asks", 0, KIND_QUIC | KIND_DATAGRAMS | KIND_ASKS, client_asked, server_quic},
    {"early", 13, KIND_EARLY_DATA, NULL, NULL},
    {"retry", 13, 0, client_group, server_group},
};

const struct peer_kind *peer_kind_named(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    }
    return NULL;
}

static void *new_context(const struct peer_options *options, const void *quic)
{
    const void *method = quic;
    if (method == NULL)
        method = (options->kind->traits & KIND_DATAGRAMS) != 0 ? ossl.DTLS_method() : ossl.TLS_method();
    void *ctx = ossl.SSL_CTX_new(method);
    if (ctx == NULL)
        peer_fail("SSL_CTX_new");
    if (options->tls != 0) {
        long version = options->tls == 12 ? VERSION_TLS12 : VERSION_TLS13;
        ossl.SSL_CTX_ctrl(ctx, CTRL_SET_MIN_VERSION, version, NULL);
        ossl.SSL_CTX_ctrl(ctx, CTRL_SET_MAX_VERSION, version, NULL);
    }
    return ctx;
}

void *peer_client_context(const struct peer_options *options)
{
    int quic = (options->kind->traits & KIND_QUIC) != 0;
    if (quic && ossl.OSSL_QUIC_client_method == NULL)
        peer_fail("QUIC");
    void *ctx = new_context(options, quic ? ossl.OSSL_QUIC_client_method() : NULL);
    if (options->kind->client != NULL)
        options->kind->client(ctx, options);
    return ctx;
}

void *peer_server_context(const struct peer_options *options)
{
    /* The same in every process, so that one can resume the sessions of another. */
    static unsigned char ticket_keys[80] = "keys of the tickets, the same in every process of the laboratory";
    int quic = (options->kind->traits & KIND_QUIC) != 0;
    if (quic && ossl.SSL_new_listener == NULL)
        peer_fail("QUIC servers");
    void *ctx = new_context(options, quic ? ossl.OSSL_QUIC_server_method() : NULL);
    ossl.SSL_CTX_ctrl(ctx, CTRL_SET_TICKET_KEYS, sizeof ticket_keys, ticket_keys);
    ossl.SSL_CTX_ctrl(ctx, CTRL_SET_SESS_CACHE_MODE, SESS_CACHE_BOTH, NULL);
    ossl.SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"lab", 3);
    if ((options->kind->traits & KIND_EARLY_DATA) != 0) {
        ossl.SSL_CTX_set_max_early_data(ctx, EARLY_DATA_MOST);
        ossl.SSL_CTX_set_options(ctx, OP_NO_ANTI_REPLAY);
    }
    if (options->chain != NULL && (ossl.SSL_CTX_use_certificate_chain_file(ctx, options->chain) != 1 ||
                                   ossl.SSL_CTX_use_PrivateKey_file(ctx, options->key, FILETYPE_PEM) != 1))
        peer_fail("certificate");
    if (options->kind->server != NULL)
        options->kind->server(ctx, options);
    return ctx;
}

const char *peer_what_it_was(const void *ssl)
{
    const void *cipher = ossl.SSL_get_current_cipher(ssl);
    int authentication = ossl.SSL_CIPHER_get_auth_nid(cipher);
    if (authentication == NID_AUTH_PSK)
        return "psk";
    if (authentication == NID_AUTH_NULL)
        return "anonymous";
    /* In TLS 1.3 an external key is a session like any other. */
    return ossl.SSL_session_reused(ssl) ? "resumed" : "certificate";
}
