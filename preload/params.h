/*
 * The names that programs set for verification, where libcrypto does not tell them: OpenSSL 1.1.1. Kept by
 * X509_VERIFY_PARAM, from its making to its end.
 *
 * Threads: any. Allocated; a caller whose entry cannot be made fails like OpenSSL itself.
 */
#ifndef TLSGRAFT_PARAMS_H
#define TLSGRAFT_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/openssl.h"

struct crypto; /* verifyname.c: the libcrypto that made a param */

/* A new one, which has no names; what was known of that address is forgotten. False: memory is short. */
bool params_add(const X509_VERIFY_PARAM *param, const struct crypto *crypto);
void params_remove(const X509_VERIFY_PARAM *param);

/* The libcrypto of a param that was added; NULL: it was not. */
const struct crypto *params_crypto(const X509_VERIFY_PARAM *param);

/*
 * The names of a param, one that was not added has none. `add`: beside those that are there. An empty name
 * takes them away. False: memory is short.
 */
bool params_set_host(const X509_VERIFY_PARAM *param, const char *name, size_t length, bool add);
bool params_set_address(const X509_VERIFY_PARAM *param, const char *address);
/* Those of `from` beside those of `to`. */
bool params_copy(const X509_VERIFY_PARAM *to, const X509_VERIFY_PARAM *from);

/* Calls `visit` for each name, then the address. Under a lock: it may do no more than look. */
typedef void params_visit(const char *name, void *context);
void params_each(const X509_VERIFY_PARAM *param, params_visit *visit, void *context);

#endif
