/* Certificates of clients, and policies with candidates of them, made by hand. */
#ifndef TLSGRAFT_TESTS_UPSTREAM_SUPPORT_H
#define TLSGRAFT_TESTS_UPSTREAM_SUPPORT_H

#include "policy/upstream.h"
#include "tests/unit/record_support.h"

enum { CANDIDATES_MAX = 12 };

/* One rule, and a directory store in the fixture's directory. The secret is that of the vectors. */
extern struct policy upstream_policy;
extern struct upstream_rule upstream_rule;

/* Makes the fixture's directory, and the policy without any candidate. */
void upstream_fixture_make(void);
void upstream_fixture_clean(void);

/* A further candidate; the texts must live on. */
const struct candidate *upstream_add_pem(const char *name, const char *pem);
const struct candidate *upstream_add_id(const char *id);

/* Asks the store for all ids; always anew. */
void upstream_fetch(void);

/* The CA `name`: NAME.pem, NAME.key; of `issuer`, or self-signed where that is NULL. */
void upstream_make_ca(const char *name, const char *issuer);

/* A client's certificate NAME.pem of `issuer` that is valid for so many days, with NAME.key of `algorithm`:
 * what 'openssl genpkey' takes. */
void upstream_make_leaf(const char *name, const char *issuer, unsigned days, const char *algorithm);
#define EC_KEY      "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"
#define ED25519_KEY "-algorithm ED25519"

/* A file of the fixture's directory. */
const char *upstream_file(const char *name);

#endif
