/*
 * OpenSSL as tlsgraft reaches it: never linked, one table of functions for each libssl, filled by name.
 *
 * The types are declared here and not taken from OpenSSL's headers: one object serves 1.1.1 to 4.x, whose
 * headers differ in macros and in const, while the binary interface of these functions is the same in all.
 * The source of each is the man page of its name.
 *
 * Owner: whoever fills a table; it is plain data, and read-only once filled.
 */
#ifndef TLSGRAFT_OPENSSL_H
#define TLSGRAFT_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_session_st SSL_SESSION;
typedef struct x509_st X509;
typedef struct x509_store_ctx_st X509_STORE_CTX;
typedef struct X509_VERIFY_PARAM_st X509_VERIFY_PARAM;
typedef struct X509_pubkey_st X509_PUBKEY;
typedef struct x509_store_st X509_STORE;
typedef struct stack_st_X509 X509_STACK; /* STACK_OF(X509) */
typedef struct stack_st OPENSSL_STACK;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_md_st EVP_MD;
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct engine_st ENGINE;
typedef struct asn1_string_st ASN1_STRING;
typedef struct asn1_string_st ASN1_TIME;
typedef struct asn1_string_st ASN1_INTEGER;
typedef struct asn1_object_st ASN1_OBJECT;
typedef struct X509_algor_st X509_ALGOR;
typedef struct X509_name_st X509_NAME;
typedef struct X509_name_entry_st X509_NAME_ENTRY;
typedef struct stack_st_X509_NAME X509_NAME_STACK; /* STACK_OF(X509_NAME) */
typedef struct GENERAL_NAME_st GENERAL_NAME;
typedef struct stack_st_GENERAL_NAME GENERAL_NAMES;
typedef struct ossl_echstore_st OSSL_ECHSTORE;
typedef struct bio_st BIO;
struct SHA256state_st;
typedef struct crypto_ex_data_st CRYPTO_EX_DATA;

/* The numbers that are part of the binary interface. */
#define OSSL_EX_INDEX_SSL                   0
#define OSSL_EX_INDEX_SSL_CTX               1
#define OSSL_EX_INDEX_SSL_SESSION           2
#define OSSL_EX_INDEX_X509_STORE_CTX        5
#define OSSL_EX_INDEX_BIO                   12
#define OSSL_VERIFY_NONE                    0
#define OSSL_VERIFY_PEER                    1
#define OSSL_V_OK                           0
#define OSSL_V_ERR_UNSPECIFIED              1
#define OSSL_V_ERR_OUT_OF_MEM               17
#define OSSL_V_ERR_APPLICATION_VERIFICATION 50
#define OSSL_V_ERR_HOSTNAME_MISMATCH        62
#define OSSL_V_FLAG_PARTIAL_CHAIN           0x80000
#define OSSL_CB_LOOP                        0x01
#define OSSL_CB_EXIT                        0x02
#define OSSL_CB_HANDSHAKE_START             0x10
#define OSSL_CB_HANDSHAKE_DONE              0x20
#define OSSL_WANT_RETRY_VERIFY              8
#define OSSL_STATE_OK                       1 /* TLS_ST_OK: the handshake is done */
#define OSSL_BIO_TYPE_CONNECT               0x50c
#define OSSL_BIO_C_GET_CONNECT              123
#define OSSL_BIO_CB_READ                    0x02
#define OSSL_BIO_CB_WRITE                   0x03
#define OSSL_BIO_CB_PUTS                    0x05
#define OSSL_BIO_CB_SENDMMSG                0x08 /* 3.2 and later */
#define OSSL_PEM_R_NO_START_LINE            108
#define OSSL_TYPE_OBJECT                    6       /* V_ASN1_OBJECT */
#define OSSL_CIPHER_MODES                   0xF0007 /* of a cipher's flags */
#define OSSL_CIPHER_CBC                     0x2
#define OSSL_CIPHER_CFB                     0x3
#define OSSL_CIPHER_OFB                     0x4
#define OSSL_CIPHER_CTR                     0x5
#define OSSL_CIPHER_AEAD                    0x200000
#define OSSL_SENT_AND_RECEIVED_SHUTDOWN     3
#define OSSL_NAMETYPE_HOST_NAME             0
#define OSSL_EXT_CLIENT_HELLO               0x0080
#define OSSL_CTRL_CHAIN                     88  /* SSL_set1_chain(3) with the number 1 */
#define OSSL_CTRL_GET_CLIENT_CERT_TYPES     103 /* SSL_get0_certificate_types */
#define OSSL_CTRL_GET_CHAIN_CERTS           115 /* SSL_get0_chain_certs(3) */
#define OSSL_CTRL_SELECT_CURRENT_CERT       116 /* SSL_select_current_cert(3) */
#define OSSL_CTRL_SET_CURRENT_CERT          117 /* SSL_set_current_cert(3) */
#define OSSL_CERT_SET_FIRST                 1
#define OSSL_CERT_SET_NEXT                  2
#define OSSL_CTRL_GET_SIGNATURE_NID         132 /* SSL_get_signature_nid(3): has one been chosen? */
#define OSSL_NID_RSA                        6
#define OSSL_NID_COMMON_NAME                13
#define OSSL_NID_SUBJECT_ALT_NAME           85
#define OSSL_NID_DSA                        116
#define OSSL_NID_EC                         408
#define OSSL_NID_RSA_PSS                    912
#define OSSL_NID_ED25519                    1087
#define OSSL_NID_ED448                      1088
#define OSSL_GENERAL_NAME_DNS               2
#define OSSL_ERR_LIB_SSL                    20
#define OSSL_R_CERTIFICATE_VERIFY_FAILED    134
#define OSSL_R_CERTIFICATE_REQUIRED         1116 /* SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED */
/* ssl/statem/statem.h: a fatal error that sends no alert. */
#define OSSL_AD_NO_ALERT (-1)

typedef int ossl_verify_cb(int preverify_ok, X509_STORE_CTX *ctx);
/* See SSL_CTX_set_cert_cb(3), SSL_CTX_set_client_cert_cb(3). */
typedef int ossl_cert_cb(SSL *ssl, void *arg);
typedef int ossl_client_cert_cb(SSL *ssl, X509 **certificate, EVP_PKEY **key);
typedef int ossl_cert_verify_cb(X509_STORE_CTX *ctx, void *arg);
typedef long ossl_bio_cb(BIO *bio, int operation, const char *argp, size_t length, int argi, long argl,
                         int ret, size_t *processed);
typedef void ossl_info_cb(const SSL *ssl, int where, int ret);
typedef void ossl_ex_new(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp);
typedef void ossl_ex_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp);
typedef int ossl_ex_dup(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void *from_d, int idx, long argl,
                        void *argp);
typedef int ossl_ext_add_cb(SSL *ssl, unsigned ext_type, unsigned context, const unsigned char **out,
                            size_t *outlen, X509 *x, size_t chainidx, int *al, void *add_arg);
typedef int ossl_psk_use_cb(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *idlen,
                            SSL_SESSION **session);
typedef void ossl_ext_free_cb(SSL *ssl, unsigned ext_type, unsigned context, const unsigned char *out,
                              void *add_arg);

/*
 * F(presence, result, name, older name or "", arguments). REQUIRED: without it the libssl cannot be governed.
 * OPTIONAL: NULL where the line has no such function. From 3.0 on ERR_set_error replaces ERR_put_error.
 */
#define OSSL_CRYPTO_FUNCTIONS(F)                                                                             \
    F(REQUIRED, unsigned long, OpenSSL_version_num, "", (void))                                              \
    F(REQUIRED, const char *, OpenSSL_version, "", (int type))                                               \
    F(REQUIRED, void, CRYPTO_free, "", (void *ptr, const char *file, int line))                              \
    F(REQUIRED, int, CRYPTO_new_ex_data, "", (int index, void *object, CRYPTO_EX_DATA *ad))                  \
    F(REQUIRED, int, CRYPTO_get_ex_new_index, "",                                                            \
      (int index, long argl, void *argp, ossl_ex_new *new_func, ossl_ex_dup *dup_func,                       \
       ossl_ex_free *free_func))                                                                             \
    F(REQUIRED, void *, CRYPTO_get_ex_data, "", (const CRYPTO_EX_DATA *ad, int idx))                         \
    F(REQUIRED, int, CRYPTO_set_ex_data, "", (CRYPTO_EX_DATA * ad, int idx, void *value))                    \
    F(REQUIRED, unsigned long, ERR_peek_last_error, "", (void))                                              \
    F(REQUIRED, int, ERR_set_mark, "", (void))                                                               \
    F(REQUIRED, int, ERR_pop_to_mark, "", (void))                                                            \
    F(OPTIONAL, void, ERR_new, "", (void))                                                                   \
    F(OPTIONAL, void, ERR_set_debug, "", (const char *file, int line, const char *func))                     \
    F(OPTIONAL, void, ERR_set_error, "", (int lib, int reason, const char *format, ...))                     \
    F(OPTIONAL, void, ERR_put_error, "", (int lib, int func, int reason, const char *file, int line))        \
    F(OPTIONAL, void, ERR_add_error_data, "", (int count, ...))                                              \
    F(REQUIRED, BIO *, BIO_new_mem_buf, "", (const void *buffer, int length))                                \
    F(REQUIRED, int, BIO_up_ref, "", (BIO * bio))                                                            \
    F(REQUIRED, ossl_bio_cb *, BIO_get_callback_ex, "", (const BIO *bio))                                    \
    F(REQUIRED, void, BIO_set_callback_ex, "", (BIO * bio, ossl_bio_cb * callback))                          \
    F(REQUIRED, long, BIO_ctrl, "", (BIO * bio, int command, long number, void *pointer))                    \
    F(REQUIRED, int, BIO_method_type, "", (const BIO *bio))                                                  \
    F(REQUIRED, BIO *, BIO_next, "", (BIO * bio))                                                            \
    F(REQUIRED, int, BIO_free, "", (BIO * bio))                                                              \
    F(REQUIRED, int, PEM_read_bio, "",                                                                       \
      (BIO * bio, char **name, char **header, unsigned char **data, long *length))                           \
    F(REQUIRED, int, SHA256_Init, "", (struct SHA256state_st * state))                                       \
    F(REQUIRED, int, SHA256_Update, "", (struct SHA256state_st * state, const void *data, size_t length))    \
    F(REQUIRED, int, SHA256_Final, "", (unsigned char *md, struct SHA256state_st *state))                    \
    F(REQUIRED, X509 *, d2i_X509, "", (X509 * *a, const unsigned char **in, long length))                    \
    F(REQUIRED, void, X509_free, "", (X509 * x))                                                             \
    F(REQUIRED, X509_PUBKEY *, X509_get_X509_PUBKEY, "", (const X509 *x))                                    \
    F(REQUIRED, int, X509_PUBKEY_get0_param, "",                                                             \
      (ASN1_OBJECT * *kind, const unsigned char **key, int *length, X509_ALGOR **algorithm,                  \
       const X509_PUBKEY *from))                                                                             \
    F(REQUIRED, void, X509_ALGOR_get0, "",                                                                   \
      (const ASN1_OBJECT **kind, int *type, const void **value, const X509_ALGOR *algorithm))                \
    F(REQUIRED, size_t, OBJ_length, "", (const ASN1_OBJECT *object))                                         \
    F(REQUIRED, const unsigned char *, OBJ_get0_data, "", (const ASN1_OBJECT *object))                       \
    F(REQUIRED, X509_PUBKEY *, d2i_X509_PUBKEY, "",                                                          \
      (X509_PUBKEY * *a, const unsigned char **in, long length))                                             \
    F(REQUIRED, int, i2d_X509_PUBKEY, "", (const X509_PUBKEY *a, unsigned char **out))                       \
    F(REQUIRED, int, i2d_PUBKEY, "", (const EVP_PKEY *key, unsigned char **out))                             \
    F(REQUIRED, void, X509_PUBKEY_free, "", (X509_PUBKEY * key))                                             \
    F(REQUIRED, int, X509_verify_cert, "", (X509_STORE_CTX * ctx))                                           \
    F(REQUIRED, void *, X509_STORE_CTX_get_ex_data, "", (const X509_STORE_CTX *ctx, int idx))                \
    F(REQUIRED, X509 *, X509_STORE_CTX_get0_cert, "", (const X509_STORE_CTX *ctx))                           \
    /* 3.2 and later. */                                                                                     \
    F(OPTIONAL, EVP_PKEY *, X509_STORE_CTX_get0_rpk, "", (const X509_STORE_CTX *ctx))                        \
    F(REQUIRED, void, X509_STORE_CTX_set_error, "", (X509_STORE_CTX * ctx, int error))                       \
    F(REQUIRED, int, X509_STORE_CTX_get_error, "", (const X509_STORE_CTX *ctx))                              \
    F(REQUIRED, X509_STACK *, X509_STORE_CTX_get0_untrusted, "", (const X509_STORE_CTX *ctx))                \
    F(REQUIRED, X509_STACK *, X509_STORE_CTX_get0_chain, "", (const X509_STORE_CTX *ctx))                    \
    F(REQUIRED, X509_VERIFY_PARAM *, X509_STORE_CTX_get0_param, "", (const X509_STORE_CTX *ctx))             \
    F(REQUIRED, X509_STORE_CTX *, X509_STORE_CTX_new, "", (void))                                            \
    F(REQUIRED, void, X509_STORE_CTX_free, "", (X509_STORE_CTX * ctx))                                       \
    F(REQUIRED, int, X509_STORE_CTX_init, "",                                                                \
      (X509_STORE_CTX * ctx, X509_STORE * store, X509 * leaf, X509_STACK * untrusted))                       \
    F(REQUIRED, int, X509_STORE_CTX_set_default, "", (X509_STORE_CTX * ctx, const char *name))               \
    F(REQUIRED, X509_STORE *, X509_STORE_new, "", (void))                                                    \
    F(REQUIRED, void, X509_STORE_free, "", (X509_STORE * store))                                             \
    F(REQUIRED, int, X509_STORE_add_cert, "", (X509_STORE * store, X509 * x))                                \
    F(REQUIRED, int, X509_STORE_set_default_paths, "", (X509_STORE * store))                                 \
    F(REQUIRED, int, X509_STORE_load_locations, "",                                                          \
      (X509_STORE * store, const char *file, const char *directory))                                         \
    F(REQUIRED, int, X509_VERIFY_PARAM_set_flags, "", (X509_VERIFY_PARAM * param, unsigned long flags))      \
    F(REQUIRED, void, X509_VERIFY_PARAM_set_auth_level, "", (X509_VERIFY_PARAM * param, int level))          \
    F(REQUIRED, int, X509_VERIFY_PARAM_set1_host, "",                                                        \
      (X509_VERIFY_PARAM * param, const char *name, size_t length))                                          \
    F(REQUIRED, int, X509_VERIFY_PARAM_set1_ip, "",                                                          \
      (X509_VERIFY_PARAM * param, const unsigned char *ip, size_t length))                                   \
    F(REQUIRED, unsigned, X509_VERIFY_PARAM_get_hostflags, "", (const X509_VERIFY_PARAM *param))             \
    F(REQUIRED, int, X509_check_host, "",                                                                    \
      (X509 * x, const char *name, size_t length, unsigned flags, char **peername))                          \
    F(REQUIRED, int, X509_check_ip, "", (X509 * x, const unsigned char *ip, size_t length, unsigned flags))  \
    F(REQUIRED, const char *, X509_verify_cert_error_string, "", (long error))                               \
    F(REQUIRED, int, i2d_X509, "", (const X509 *a, unsigned char **out))                                     \
    F(REQUIRED, int, OPENSSL_sk_num, "", (const OPENSSL_STACK *stack))                                       \
    F(REQUIRED, void *, OPENSSL_sk_value, "", (const OPENSSL_STACK *stack, int i))                           \
    F(OPTIONAL, char *, X509_VERIFY_PARAM_get0_host, "", (X509_VERIFY_PARAM * param, int index))             \
    F(OPTIONAL, char *, X509_VERIFY_PARAM_get1_ip_asc, "", (X509_VERIFY_PARAM * param))                      \
    F(REQUIRED, void, OPENSSL_cleanse, "", (void *ptr, size_t length))                                       \
    F(REQUIRED, int, EVP_EncodeBlock, "", (unsigned char *out, const unsigned char *in, int length))         \
    F(REQUIRED, int, EVP_DecodeBlock, "", (unsigned char *out, const unsigned char *in, int length))         \
    F(REQUIRED, const EVP_CIPHER *, EVP_get_cipherbyname, "", (const char *name))                            \
    F(REQUIRED, unsigned long, EVP_CIPHER_get_flags, "EVP_CIPHER_flags", (const EVP_CIPHER *cipher))         \
    F(REQUIRED, int, EVP_CIPHER_get_key_length, "EVP_CIPHER_key_length", (const EVP_CIPHER *cipher))         \
    F(REQUIRED, int, EVP_CIPHER_get_iv_length, "EVP_CIPHER_iv_length", (const EVP_CIPHER *cipher))           \
    F(REQUIRED, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, "", (void))                                            \
    F(REQUIRED, void, EVP_CIPHER_CTX_free, "", (EVP_CIPHER_CTX * ctx))                                       \
    F(REQUIRED, int, EVP_CipherInit_ex, "",                                                                  \
      (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, ENGINE *engine, const unsigned char *key,             \
       const unsigned char *iv, int encrypt))                                                                \
    F(REQUIRED, int, EVP_CipherUpdate, "",                                                                   \
      (EVP_CIPHER_CTX * ctx, unsigned char *out, int *out_length, const unsigned char *in, int length))      \
    F(REQUIRED, int, EVP_CipherFinal_ex, "", (EVP_CIPHER_CTX * ctx, unsigned char *out, int *out_length))    \
    F(REQUIRED, EVP_PKEY *, d2i_AutoPrivateKey, "", (EVP_PKEY * *a, const unsigned char **in, long length))  \
    F(REQUIRED, void, EVP_PKEY_free, "", (EVP_PKEY * key))                                                   \
    F(REQUIRED, EVP_PKEY *, X509_PUBKEY_get0, "", (const X509_PUBKEY *key))                                  \
    F(REQUIRED, int, X509_verify, "", (X509 * x, EVP_PKEY * key))                                            \
    F(REQUIRED, int, X509_check_private_key, "", (const X509 *x, const EVP_PKEY *key))                       \
    F(REQUIRED, const ASN1_TIME *, X509_get0_notAfter, "", (const X509 *x))                                  \
    F(REQUIRED, const ASN1_INTEGER *, X509_get0_serialNumber, "", (const X509 *x))                           \
    F(REQUIRED, int, X509_cmp, "", (const X509 *a, const X509 *b))                                           \
    F(REQUIRED, int, X509_cmp_time, "", (const ASN1_TIME *time, time_t *now))                                \
    F(REQUIRED, int, ASN1_TIME_to_tm, "", (const ASN1_TIME *time, struct tm *tm))                            \
    F(REQUIRED, const ASN1_TIME *, X509_get0_notBefore, "", (const X509 *x))                                 \
    F(REQUIRED, void *, X509_get_ext_d2i, "", (const X509 *x, int nid, int *critical, int *index))           \
    F(REQUIRED, X509_NAME *, X509_get_issuer_name, "", (const X509 *x))                                      \
    F(REQUIRED, X509_NAME *, X509_get_subject_name, "", (const X509 *x))                                     \
    F(REQUIRED, int, X509_NAME_get_index_by_NID, "", (const X509_NAME *name, int nid, int last))             \
    F(REQUIRED, X509_NAME_ENTRY *, X509_NAME_get_entry, "", (const X509_NAME *name, int index))              \
    F(REQUIRED, ASN1_STRING *, X509_NAME_ENTRY_get_data, "", (const X509_NAME_ENTRY *entry))                 \
    F(REQUIRED, int, ASN1_STRING_to_UTF8, "", (unsigned char **out, const ASN1_STRING *in))                  \
    F(REQUIRED, const unsigned char *, ASN1_STRING_get0_data, "", (const ASN1_STRING *x))                    \
    F(REQUIRED, int, ASN1_STRING_length, "", (const ASN1_STRING *x))                                         \
    F(REQUIRED, void *, GENERAL_NAME_get0_value, "", (const GENERAL_NAME *name, int *type))                  \
    F(REQUIRED, void, GENERAL_NAMES_free, "", (GENERAL_NAMES * names))                                       \
    F(REQUIRED, void, OPENSSL_sk_free, "", (OPENSSL_STACK * stack))                                          \
    F(REQUIRED, int, X509_NAME_cmp, "", (const X509_NAME *a, const X509_NAME *b))                            \
    F(REQUIRED, int, EVP_PKEY_get_id, "EVP_PKEY_id", (const EVP_PKEY *key))                                  \
    F(REQUIRED, int, EVP_PKEY_get_bits, "EVP_PKEY_bits", (const EVP_PKEY *key))                              \
    F(REQUIRED, OPENSSL_STACK *, OPENSSL_sk_new_null, "", (void))                                            \
    F(REQUIRED, int, OPENSSL_sk_push, "", (OPENSSL_STACK * stack, const void *data))                         \
    F(REQUIRED, int, X509_up_ref, "", (X509 * x))                                                            \
    F(REQUIRED, int, EVP_PKEY_up_ref, "", (EVP_PKEY * key))                                                  \
    F(REQUIRED, X509_STACK *, X509_chain_up_ref, "", (X509_STACK * chain))

#define OSSL_SSL_FUNCTIONS(F)                                                                                \
    F(REQUIRED, int, SSL_connect, "", (SSL * ssl))                                                           \
    F(REQUIRED, int, SSL_do_handshake, "", (SSL * ssl))                                                      \
    F(REQUIRED, int, SSL_is_server, "", (const SSL *ssl))                                                    \
    F(REQUIRED, int, SSL_in_before, "", (const SSL *ssl))                                                    \
    F(REQUIRED, int, SSL_want, "", (const SSL *ssl))                                                         \
    F(REQUIRED, int, SSL_get_fd, "", (const SSL *ssl))                                                       \
    F(REQUIRED, const char *, SSL_get_servername, "", (const SSL *ssl, int type))                            \
    F(REQUIRED, X509_VERIFY_PARAM *, SSL_get0_param, "", (SSL * ssl))                                        \
    F(REQUIRED, SSL_CTX *, SSL_get_SSL_CTX, "", (const SSL *ssl))                                            \
    F(REQUIRED, X509 *, SSL_get1_peer_certificate, "SSL_get_peer_certificate", (const SSL *ssl))             \
    F(REQUIRED, SSL_SESSION *, SSL_get_session, "", (const SSL *ssl))                                        \
    F(REQUIRED, int, SSL_set_session, "", (SSL * ssl, SSL_SESSION * session))                                \
    F(REQUIRED, X509 *, SSL_SESSION_get0_peer, "", (SSL_SESSION * session))                                  \
    F(REQUIRED, const char *, SSL_SESSION_get0_hostname, "", (const SSL_SESSION *session))                   \
    /* 3.2 and later. */                                                                                     \
    F(OPTIONAL, EVP_PKEY *, SSL_get0_peer_rpk, "", (const SSL *ssl))                                         \
    F(OPTIONAL, EVP_PKEY *, SSL_SESSION_get0_peer_rpk, "", (SSL_SESSION * session))                          \
    F(OPTIONAL, int, SSL_is_quic, "", (const SSL *ssl))                                                      \
    /* 4.0 and later. */                                                                                     \
    F(OPTIONAL, OSSL_ECHSTORE *, SSL_get1_echstore, "", (const SSL *ssl))                                    \
    F(OPTIONAL, void, OSSL_ECHSTORE_free, "", (OSSL_ECHSTORE * store))                                       \
    F(REQUIRED, int, SSL_write_early_data, "", (SSL * ssl, const void *buf, size_t num, size_t *written))    \
    F(REQUIRED, void, SSL_set_psk_use_session_callback, "", (SSL * ssl, ossl_psk_use_cb * callback))         \
    F(REQUIRED, unsigned, SSL_get_state, "", (const SSL *ssl))                                               \
    F(REQUIRED, int, SSL_session_reused, "", (const SSL *ssl))                                               \
    F(REQUIRED, int, SSL_CTX_remove_session, "", (SSL_CTX * ctx, SSL_SESSION * session))                     \
    F(REQUIRED, int, SSL_SESSION_get_protocol_version, "", (const SSL_SESSION *session))                     \
    F(REQUIRED, const unsigned char *, SSL_SESSION_get0_id_context, "",                                      \
      (const SSL_SESSION *session, unsigned *length))                                                        \
    F(REQUIRED, int, SSL_SESSION_set1_id_context, "",                                                        \
      (SSL_SESSION * session, const unsigned char *context, unsigned length))                                \
    F(REQUIRED, int, SSL_set_session_id_context, "",                                                         \
      (SSL * ssl, const unsigned char *context, unsigned length))                                            \
    F(REQUIRED, X509_STACK *, SSL_get_peer_cert_chain, "", (const SSL *ssl))                                 \
    F(REQUIRED, int, SSL_get_security_level, "", (const SSL *ssl))                                           \
    F(REQUIRED, int, SSL_version, "", (const SSL *ssl))                                                      \
    F(REQUIRED, int, SSL_get_verify_mode, "", (const SSL *ssl))                                              \
    F(REQUIRED, ossl_verify_cb *, SSL_get_verify_callback, "", (const SSL *ssl))                             \
    F(REQUIRED, void, SSL_set_verify_result, "", (SSL * ssl, long result))                                   \
    F(REQUIRED, void, SSL_set_verify, "", (SSL * ssl, int mode, ossl_verify_cb *callback))                   \
    F(REQUIRED, BIO *, SSL_get_rbio, "", (const SSL *ssl))                                                   \
    F(REQUIRED, BIO *, SSL_get_wbio, "", (const SSL *ssl))                                                   \
    F(REQUIRED, void, SSL_set_shutdown, "", (SSL * ssl, int mode))                                           \
    F(REQUIRED, int, SSL_set_ex_data, "", (SSL * ssl, int idx, void *value))                                 \
    F(REQUIRED, void *, SSL_get_ex_data, "", (const SSL *ssl, int idx))                                      \
    F(REQUIRED, void *, SSL_CTX_get_ex_data, "", (const SSL_CTX *ctx, int idx))                              \
    F(REQUIRED, int, SSL_get_ex_data_X509_STORE_CTX_idx, "", (void))                                         \
    F(REQUIRED, void, SSL_set_info_callback, "", (SSL * ssl, ossl_info_cb * callback))                       \
    F(REQUIRED, ossl_info_cb *, SSL_get_info_callback, "", (const SSL *ssl))                                 \
    F(REQUIRED, void, SSL_CTX_set_info_callback, "", (SSL_CTX * ctx, ossl_info_cb * callback))               \
    F(REQUIRED, ossl_info_cb *, SSL_CTX_get_info_callback, "", (SSL_CTX * ctx))                              \
    F(REQUIRED, void, SSL_CTX_set_cert_verify_callback, "",                                                  \
      (SSL_CTX * ctx, ossl_cert_verify_cb * callback, void *arg))                                            \
    F(REQUIRED, int, SSL_CTX_add_custom_ext, "",                                                             \
      (SSL_CTX * ctx, unsigned type, unsigned context, ossl_ext_add_cb *add, ossl_ext_free_cb *release,      \
       void *add_arg, void *parse, void *parse_arg))                                                         \
    F(REQUIRED, long, SSL_ctrl, "", (SSL * ssl, int command, long number, void *pointer))                    \
    F(REQUIRED, SSL *, SSL_new, "", (SSL_CTX * ctx))                                                         \
    F(REQUIRED, SSL_CTX *, SSL_set_SSL_CTX, "", (SSL * ssl, SSL_CTX * ctx))                                  \
    F(REQUIRED, void, SSL_set_cert_cb, "", (SSL * ssl, ossl_cert_cb * callback, void *arg))                  \
    F(REQUIRED, void, SSL_CTX_set_cert_cb, "", (SSL_CTX * ctx, ossl_cert_cb * callback, void *arg))          \
    F(REQUIRED, ossl_client_cert_cb *, SSL_CTX_get_client_cert_cb, "", (SSL_CTX * ctx))                      \
    F(REQUIRED, X509_NAME_STACK *, SSL_get_client_CA_list, "", (const SSL *ssl))                             \
    F(REQUIRED, int, SSL_get_shared_sigalgs, "",                                                             \
      (SSL * ssl, int index, int *sign, int *hash, int *sign_hash, unsigned char *raw_sign,                  \
       unsigned char *raw_hash))                                                                             \
    F(REQUIRED, void, SSL_certs_clear, "", (SSL * ssl))                                                      \
    F(REQUIRED, int, SSL_use_certificate, "", (SSL * ssl, X509 * x))                                         \
    F(REQUIRED, int, SSL_use_PrivateKey, "", (SSL * ssl, EVP_PKEY * key))                                    \
    F(REQUIRED, int, SSL_use_cert_and_key, "",                                                               \
      (SSL * ssl, X509 * x, EVP_PKEY * key, X509_STACK * chain, int override))                               \
    F(REQUIRED, X509 *, SSL_get_certificate, "", (const SSL *ssl))                                           \
    F(REQUIRED, EVP_PKEY *, SSL_get_privatekey, "", (const SSL *ssl))                                        \
    F(REQUIRED, int, SSL_SESSION_get0_ticket_appdata, "",                                                    \
      (SSL_SESSION * session, void **data, size_t *length))                                                  \
    F(REQUIRED, int, SSL_SESSION_set1_ticket_appdata, "",                                                    \
      (SSL_SESSION * session, const void *data, size_t length))                                              \
    /* In no fork of OpenSSL: the mark by which one is told from it. */                                      \
    F(REQUIRED, void, SSL_CTX_set_client_hello_cb, "", (SSL_CTX * ctx, void *callback, void *arg))

#define OSSL_MEMBER(presence, result, name, older, arguments) result(*name) arguments;
struct ossl {
    OSSL_CRYPTO_FUNCTIONS(OSSL_MEMBER)
    OSSL_SSL_FUNCTIONS(OSSL_MEMBER)
};
#undef OSSL_MEMBER

/*
 * The address of a function, or NULL. For those who search themselves: the hash of its name
 * (policy/gnu_hash.h), and the size of that with its NUL.
 */
typedef void *ossl_find(void *context, const char *name, uint32_t hash, size_t size);

/*
 * Fill the part of the table that libcrypto, or libssl, has. NULL: done. Else: the name of a function that
 * is required and missing; the table is then not usable.
 */
const char *ossl_fill_crypto(struct ossl *ossl, ossl_find *find, void *context);
const char *ossl_fill_ssl(struct ossl *ossl, ossl_find *find, void *context);

/* Is it OpenSSL 1.1.1 to 4.x, and no fork of it? Asks a table whose libcrypto part is filled. */
bool ossl_is_supported(const struct ossl *ossl);

/* Is a PEM block of this name a certificate? See PEM_read_bio_X509(3). */
bool ossl_is_certificate_block(const char *name);

/* The certificates of a STACK_OF(X509); NULL is an empty one. */
int ossl_stack_count(const struct ossl *ossl, const X509_STACK *stack);
X509 *ossl_stack_at(const struct ossl *ossl, const X509_STACK *stack, int i);

struct pin;

/*
 * The SHA-256 of several pieces, one behind the other. It needs no provider: a host may have emptied its
 * default library context.
 */
struct piece {
    const void *data;
    size_t length;
};
bool ossl_sha256(const struct ossl *ossl, const struct piece *pieces, size_t count, unsigned char digest[32]);

/* The pin of a key, and of a certificate's key. False: out of memory, or a key that has no encoding. */
bool ossl_pin_of_pkey(const struct ossl *ossl, const EVP_PKEY *key, struct pin *pin);
bool ossl_pin_of_key(const struct ossl *ossl, const X509_PUBKEY *key, struct pin *pin);
bool ossl_pin_of_certificate(const struct ossl *ossl, const X509 *certificate, struct pin *pin);

#endif
