/*
 * The traditional encryption of PEM, by which a record's private key is kept: EVP_BytesToKey(3) with MD5, the
 * first eight bytes of the IV as its salt, one round; PEM_read_bio_PrivateKey(3), "PEM encryption format".
 *
 * Nothing is kept between calls. OpenSSL's error queue: the caller sets a mark.
 */
#ifndef TLSGRAFT_RECORD_KEY_H
#define TLSGRAFT_RECORD_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/openssl.h"
#include "policy/record.h"
#include "policy/record_pem.h"

enum { RECORD_IV_BYTES = 16 };

/* How long the headers of record_key_encrypt() are, with a NUL. */
enum { RECORD_HEADERS_SIZE = 160 };

/*
 * Encrypts a key's DER with AES-256-CBC. `*out`: malloc(3), `*out_length` bytes; `headers`: what stands above
 * its base64. False: memory is short, or OpenSSL has no AES; `*out` is NULL.
 */
bool record_key_encrypt(const struct ossl *ossl, const struct secret *secret,
                        const unsigned char iv[RECORD_IV_BYTES], const unsigned char *der, size_t length,
                        unsigned char **out, size_t *out_length, char headers[RECORD_HEADERS_SIZE]);

/*
 * Decrypts with the cipher and the IV of `dek_info`. RECORD_KEY_READ: `*out`, malloc(3), has `*out_length`
 * bytes; the caller wipes and frees them. Whether it is a key is not looked at.
 */
enum record_key_result record_key_decrypt(const struct ossl *ossl, const struct secret *secret,
                                          const char *dek_info, const unsigned char *data, size_t length,
                                          unsigned char **out, size_t *out_length);

/* Wipes and frees `length` bytes; NULL is allowed. */
void record_key_wipe(const struct ossl *ossl, unsigned char *data, size_t length);

#endif
