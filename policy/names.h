/* The names in a certificate. None is escaped for terminals, but that a NUL in it is written as `\x00`. */
#ifndef TLSGRAFT_NAMES_H
#define TLSGRAFT_NAMES_H

#include <stdbool.h>

#include "policy/openssl.h"

/* The common name, the last where there are several; malloc(3). NULL: there is none, or memory is short. */
char *names_common(const struct ossl *ossl, const X509_NAME *name);

/*
 * What a certificate is called by: the common name of its subject, else its first DNS name; malloc(3). NULL:
 * it has neither, or memory is short. OpenSSL's error queue may be left with entries.
 */
char *names_of(const struct ossl *ossl, const X509 *x);

/* Calls `visit` for each DNS name of the subjectAltName, in order, until it returns false. */
void names_each_dns(const struct ossl *ossl, const X509 *x, bool (*visit)(const char *name, void *context),
                    void *context);

#endif
