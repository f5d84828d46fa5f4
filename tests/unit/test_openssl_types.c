/*
 * policy/openssl.h and cli/crypto.h declare OpenSSL's functions themselves. Here the compiler compares each
 * with OpenSSL's own headers, and the numbers with its macros.
 */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string.h>

#include "cli/crypto.h"
#include "policy/openssl.h"

_Static_assert(OSSL_EX_INDEX_SSL == CRYPTO_EX_INDEX_SSL && OSSL_EX_INDEX_SSL_CTX == CRYPTO_EX_INDEX_SSL_CTX,
               "");
_Static_assert(OSSL_VERIFY_NONE == SSL_VERIFY_NONE && OSSL_VERIFY_PEER == SSL_VERIFY_PEER, "");
_Static_assert(OSSL_V_ERR_APPLICATION_VERIFICATION == X509_V_ERR_APPLICATION_VERIFICATION, "");
_Static_assert(OSSL_V_OK == X509_V_OK && OSSL_V_ERR_UNSPECIFIED == X509_V_ERR_UNSPECIFIED, "");
_Static_assert(OSSL_V_ERR_OUT_OF_MEM == X509_V_ERR_OUT_OF_MEM, "");
_Static_assert(OSSL_V_ERR_HOSTNAME_MISMATCH == X509_V_ERR_HOSTNAME_MISMATCH, "");
_Static_assert(OSSL_V_FLAG_PARTIAL_CHAIN == X509_V_FLAG_PARTIAL_CHAIN, "");
_Static_assert(OSSL_CB_HANDSHAKE_START == SSL_CB_HANDSHAKE_START, "");
_Static_assert(OSSL_CB_HANDSHAKE_DONE == SSL_CB_HANDSHAKE_DONE, "");
_Static_assert(OSSL_STATE_OK == TLS_ST_OK, "");
_Static_assert(OSSL_WANT_RETRY_VERIFY == SSL_RETRY_VERIFY, "");
_Static_assert(OSSL_SENT_AND_RECEIVED_SHUTDOWN == (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN), "");
_Static_assert(OSSL_BIO_TYPE_CONNECT == BIO_TYPE_CONNECT && OSSL_BIO_C_GET_CONNECT == BIO_C_GET_CONNECT, "");
_Static_assert(OSSL_NAMETYPE_HOST_NAME == TLSEXT_NAMETYPE_host_name, "");
_Static_assert(OSSL_EXT_CLIENT_HELLO == SSL_EXT_CLIENT_HELLO, "");
_Static_assert(OSSL_CB_LOOP == SSL_CB_LOOP, "");
_Static_assert(OSSL_TYPE_OBJECT == V_ASN1_OBJECT, "");
_Static_assert(OSSL_CB_EXIT == SSL_CB_EXIT, "");
_Static_assert(OSSL_CTRL_GET_CHAIN_CERTS == SSL_CTRL_GET_CHAIN_CERTS, "");
_Static_assert(OSSL_CTRL_SELECT_CURRENT_CERT == SSL_CTRL_SELECT_CURRENT_CERT, "");
_Static_assert(OSSL_CTRL_SET_CURRENT_CERT == SSL_CTRL_SET_CURRENT_CERT, "");
_Static_assert(OSSL_CERT_SET_FIRST == SSL_CERT_SET_FIRST && OSSL_CERT_SET_NEXT == SSL_CERT_SET_NEXT, "");
_Static_assert(OSSL_CTRL_GET_SIGNATURE_NID == SSL_CTRL_GET_SIGNATURE_NID, "");
_Static_assert(OSSL_R_CERTIFICATE_REQUIRED == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "");
_Static_assert(OSSL_ERR_LIB_SSL == ERR_LIB_SSL &&
                   OSSL_R_CERTIFICATE_VERIFY_FAILED == SSL_R_CERTIFICATE_VERIFY_FAILED,
               "");

_Static_assert(CRYPTO_ERROR_WANT_READ == SSL_ERROR_WANT_READ &&
                   CRYPTO_ERROR_WANT_WRITE == SSL_ERROR_WANT_WRITE,
               "");
_Static_assert(CRYPTO_ERROR_SYSCALL == SSL_ERROR_SYSCALL && CRYPTO_ERROR_ZERO_RETURN == SSL_ERROR_ZERO_RETURN,
               "");
_Static_assert(CRYPTO_CTRL_SET_MSG_ARG == SSL_CTRL_SET_MSG_CALLBACK_ARG, "");
_Static_assert(CRYPTO_CTRL_SET_HOSTNAME == SSL_CTRL_SET_TLSEXT_HOSTNAME, "");
_Static_assert(CRYPTO_CTRL_SET_MIN_VERSION == SSL_CTRL_SET_MIN_PROTO_VERSION, "");
_Static_assert(CRYPTO_OP_LEGACY_SERVER_CONNECT == SSL_OP_LEGACY_SERVER_CONNECT, "");
_Static_assert(CRYPTO_RT_HEADER == SSL3_RT_HEADER && CRYPTO_R_ALERT_OFFSET == SSL_AD_REASON_OFFSET, "");
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
_Static_assert(CRYPTO_R_UNEXPECTED_EOF == SSL_R_UNEXPECTED_EOF_WHILE_READING, "");
#endif

/* A macro from 3.0 on; as its man page in 1.1.1 has it. */
#undef ERR_put_error
void ERR_put_error(int lib, int func, int reason, const char *file, int line);

/* Of 3.2; as their man pages have them. */
#if OPENSSL_VERSION_NUMBER < 0x30200000L
EVP_PKEY *X509_STORE_CTX_get0_rpk(const X509_STORE_CTX *ctx);
OSSL_ECHSTORE *SSL_get1_echstore(const SSL *ssl);
void OSSL_ECHSTORE_free(OSSL_ECHSTORE *store);
int SSL_is_quic(const SSL *ssl);
EVP_PKEY *SSL_get0_peer_rpk(const SSL *ssl);
EVP_PKEY *SSL_SESSION_get0_peer_rpk(SSL_SESSION *session);
#endif

#define ROW(presence, result, name, older, arguments)                                                        \
    {#name, __builtin_types_compatible_p(__typeof__(&(name)), __typeof__(((struct ossl *)0)->name))},
static const struct {
    const char *name;
    int same;
} functions[] = {OSSL_CRYPTO_FUNCTIONS(ROW) OSSL_SSL_FUNCTIONS(ROW)};
#undef ROW

_Static_assert(OSSL_NID_RSA == NID_rsaEncryption && OSSL_NID_RSA_PSS == NID_rsassaPss, "");
_Static_assert(OSSL_NID_DSA == NID_dsa && OSSL_NID_EC == NID_X9_62_id_ecPublicKey, "");
_Static_assert(OSSL_NID_ED25519 == NID_ED25519 && OSSL_NID_ED448 == NID_ED448, "");
_Static_assert(OSSL_NID_COMMON_NAME == NID_commonName, "");
_Static_assert(OSSL_NID_SUBJECT_ALT_NAME == NID_subject_alt_name, "");
_Static_assert(OSSL_GENERAL_NAME_DNS == GEN_DNS && CRYPTO_FLAG_CA == EXFLAG_CA, "");

#define ROW(result, name, arguments)                                                                         \
    {#name, __builtin_types_compatible_p(__typeof__(&(name)), __typeof__(((struct crypto *)0)->name))},
static const struct {
    const char *name;
    int same;
} functions_of_the_command[] = {CRYPTO_FUNCTIONS(ROW) CRYPTO_SSL_FUNCTIONS(ROW)};

/* Declared with a plain pointer where OpenSSL has a pointer to a function, or to a pointer. */
static const char *const other_pointers[] = {"CRYPTO_get_ex_new_index", "SSL_CTX_add_custom_ext",
                                             "SSL_CTX_set_client_hello_cb"};

Test(openssl, types_are_those_of_the_headers)
{
    size_t differ = 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        int expected = 0;
        for (size_t k = 0; k < sizeof other_pointers / sizeof *other_pointers; k++)
            expected |= strcmp(functions[i].name, other_pointers[k]) == 0;
        cr_expect(functions[i].same || expected, "%s is declared otherwise", functions[i].name);
        differ += !functions[i].same;
    }
    cr_expect_eq(differ, sizeof other_pointers / sizeof *other_pointers);
}

Test(openssl, types_of_the_command_are_those_of_the_headers)
{
    for (size_t i = 0; i < sizeof functions_of_the_command / sizeof *functions_of_the_command; i++)
        cr_expect(functions_of_the_command[i].same, "%s is declared otherwise",
                  functions_of_the_command[i].name);
}
