/*
 * PEM (RFC 7468, and the headers of RFC 1421) as records are written in it: a text is split into its blocks,
 * and blocks are written. Not OpenSSL's reader: that leaves pieces of private keys in freed memory, refuses
 * lines that others write, and does not tell where a text is damaged.
 *
 * Nothing is kept between calls; a block points into its text.
 */
#ifndef TLSGRAFT_RECORD_PEM_H
#define TLSGRAFT_RECORD_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/openssl.h"

enum { PEM_LABEL_SIZE = 64, PEM_DEK_SIZE = 96 };

/* What is left of a text. */
struct pem_text {
    const char *at, *end;
    unsigned line; /* of `at`, from 1 */
};

struct pem_block {
    char label[PEM_LABEL_SIZE];  /* "CERTIFICATE" */
    unsigned line;               /* of its BEGIN, from 1 */
    bool is_encrypted;           /* has Proc-Type: 4,ENCRYPTED */
    char dek_info[PEM_DEK_SIZE]; /* of its DEK-Info; "" : none */
    const char *body;            /* base64, with spaces and ends of lines */
    size_t body_length;
};

enum pem_result {
    PEM_BLOCK,
    PEM_END,
    PEM_BROKEN /* a block that has no end, or another one's */
};

void pem_begin(struct pem_text *text, const char *data, size_t length);

/* The next block; what stands before it is passed over. PEM_BROKEN fills label and line too. */
enum pem_result pem_next(struct pem_text *text, struct pem_block *block);

enum pem_decoded { PEM_DECODED, PEM_NOT_BASE64, PEM_NO_MEMORY };

/*
 * The bytes of a block: malloc(3), `*length` of them and at least one. They may be secret, so the caller
 * wipes them. Unless it is PEM_DECODED `*data` is NULL.
 */
enum pem_decoded pem_decode(const struct ossl *ossl, const struct pem_block *block, unsigned char **data,
                            size_t *length);

/* Of any kind, encrypted or not. */
bool pem_is_private_key(const struct pem_block *block);

/* How long a block is at most, with an empty line in front of it; without its headers. */
size_t pem_block_size(const char *label, size_t length);

/* Writes a block to `out`, with LF and lines of 64; `headers` as they are to stand there. The end of it. */
char *pem_write(const struct ossl *ossl, char *out, const char *label, const char *headers,
                const unsigned char *data, size_t length);

#endif
