/*
 * OpenSSL for this command: the newest that is installed, fetched when it is needed. It is never linked, so
 * that one build serves every release.
 */
#ifndef TLSGRAFT_CRYPTO_H
#define TLSGRAFT_CRYPTO_H

#include <stdbool.h>
#include <time.h>

#include "policy/openssl.h"

typedef struct asn1_string_st ASN1_TIME;
typedef struct bio_method_st BIO_METHOD;
typedef struct X509_name_st X509_NAME;

/* F(result, name, arguments): functions of libcrypto, in 1.1.1 to 4.x, that only the command needs. */
#define CRYPTO_FUNCTIONS(F)                                                                                  \
    F(const BIO_METHOD *, BIO_s_mem, (void))                                                                 \
    F(BIO *, BIO_new, (const BIO_METHOD *method))                                                            \
    F(int, BIO_read, (BIO * bio, void *data, int length))                                                    \
    F(const ASN1_TIME *, X509_get0_notAfter, (const X509 *x))                                                \
    F(int, ASN1_TIME_to_tm, (const ASN1_TIME *time, struct tm *tm))                                          \
    F(X509_NAME *, X509_get_subject_name, (const X509 *x))                                                   \
    F(int, X509_NAME_print_ex, (BIO * out, const X509_NAME *name, int indent, unsigned long flags))

#define CRYPTO_MEMBER(result, name, arguments) result(*name) arguments;
struct crypto {
    struct ossl ossl; /* those that the library needs too */
    CRYPTO_FUNCTIONS(CRYPTO_MEMBER)
};
#undef CRYPTO_MEMBER

/*
 * Fills the functions of libcrypto; those of libssl stay NULL. False: there is no libcrypto of OpenSSL 1.1.1
 * to 4. The library stays loaded until the process ends.
 */
bool crypto_open(struct crypto *crypto);

#endif
