/*
 * What a text shows of itself, without OpenSSL, that is to hold a certificate and its private key in PEM:
 * what its blocks are called, and no more.
 */
#ifndef TLSGRAFT_CONFIG_CANDIDATE_PEM_H
#define TLSGRAFT_CONFIG_CANDIDATE_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/arena.h"

/* For pem_made_by(). */
#define CANDIDATE_PKCS12         "is PKCS #12; allowed is PEM"
#define CANDIDATE_PKCS12_COMMAND "openssl pkcs12 -nodes"

/*
 * As pem_fault(). `*has_key` becomes true where there is a private key in PEM, encrypted or not, also where
 * something is wrong.
 */
const char *candidate_pem_fault(struct arena *arena, const char *text, size_t length, const char *path,
                                bool *has_key);

#endif
