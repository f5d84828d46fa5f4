/*
 * Records of the certificate store: PEM text, byte for byte as Tyk Gateway keeps it (docs/DESIGN.md, "the
 * store"). A record is either certificates, the first of which is the one that is meant, and perhaps its
 * private key; or one public key.
 *
 * Threads: any; nothing is kept between calls. All functions leave OpenSSL's error queue as it was.
 */
#ifndef TLSGRAFT_RECORD_H
#define TLSGRAFT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "policy/openssl.h"
#include "policy/pin.h"

enum {
    RECORD_TEXT_MAX = 1 << 20, /* bytes; a longer one is refused unread */
    RECORD_ID_MAX = 250,       /* characters: `<id>.pem` must be a file's name */
    RECORD_HASH_DIGITS = 64,   /* at the end of an id: SHA-256, lower-case hex */
};

/*
 * May this be an id? Not with `/`, `..`, a leading `.`, control characters, nothing at all, or more than
 * RECORD_ID_MAX characters. NULL: yes; else what is wrong, of static duration.
 */
const char *record_id_fault(const char *id);

struct record;

/*
 * Reads the text of the record `id`. Its first certificate, or its public key, must hash to the last
 * RECORD_HASH_DIGITS digits of `id`, so that whoever can write to a store cannot swap a pin. `id` NULL: no
 * such check. The private key is not decrypted. NULL: it is refused, or memory is short; `why` (of `size`
 * bytes) is one half sentence that tells. Free with record_free(); the text may go before it, `ossl` may not.
 */
struct record *record_parse(const struct ossl *ossl, const char *id, const char *text, size_t length,
                            char *why, size_t size);
void record_free(struct record *record); /* NULL is allowed */

/* The pin of the first certificate's key, or of the public key. */
const struct pin *record_pin(const struct record *record);

/* The certificates in the order of the record; the record's. None: it is a public key. */
size_t record_certificate_count(const struct record *record);
X509 *record_certificate(const struct record *record, size_t i);
unsigned record_certificate_line(const struct record *record, size_t i); /* where it begins, from 1 */

bool record_has_private_key(const struct record *record);

/* Overwrites and frees it: of one who goes on with the certificates alone. */
void record_forget_private_key(struct record *record);

/* A secret as the policy has it: bytes, not a text. NULL data: there is none. */
struct secret {
    const char *data;
    size_t length;
};

enum record_key_result {
    RECORD_KEY_READ,
    RECORD_KEY_NONE,      /* the record has no private key */
    RECORD_KEY_NO_SECRET, /* it is encrypted, and no secret was given */
    RECORD_KEY_WRONG_SECRET,
    RECORD_KEY_BROKEN,      /* damaged, or not the key of the first certificate, whatever the secret */
    RECORD_KEY_UNSUPPORTED, /* a cipher or a kind of key that this OpenSSL does not have */
    RECORD_KEY_NO_MEMORY
};

/* Half a sentence on it, of static duration: "the secret is wrong". For RECORD_KEY_READ too. */
const char *record_key_words(enum record_key_result result);

/*
 * Decrypts the private key. `*key` is the caller's (EVP_PKEY_free); it is the key of the first certificate.
 * Every buffer that held the plaintext is wiped before it is freed.
 */
enum record_key_result record_private_key(const struct ossl *ossl, const struct record *record,
                                          const struct secret *secret, EVP_PKEY **key);

/*
 * Of which certificate its private key is, where that is RECORD_KEY_BROKEN; record_certificate_count(): of
 * none.
 */
size_t record_key_owner(const struct ossl *ossl, const struct record *record, const struct secret *secret);

/* What is said then, with the line of that certificate. */
#define RECORD_KEY_OF_ANOTHER                                                                                \
    "has a private key that belongs to the certificate at line %u, and not to the first; put that one first"

/* What an upload is made from. All of it is the caller's. */
struct record_input {
    const char *text; /* PEM, with any text between its blocks */
    size_t length;
    const char *organisation;    /* "" is allowed */
    const struct secret *secret; /* needed only where there is a private key */
    const unsigned char *iv;     /* 16 bytes; NULL: random ones. For tests, which compare bytes */
    time_t now;                  /* certificates that have expired are refused */
    const char *name;            /* of the input, for the commands in a refusal: a path, or "-" */
};

struct record_made {
    char *id;   /* malloc(3) */
    char *text; /* malloc(3), NUL-terminated; its key is encrypted */
    size_t length;
    bool has_private_key;
    bool is_ed25519; /* its private key, which the gateway stores and then cannot read */
};

/*
 * Makes the record that an upload of `input` leaves in the store. False: refused, `why` is `WHAT; WHAT TO
 * DO`, each refusal with its own words, WHAT with a verb, for behind the input's name; without control
 * characters. Free with record_made_free(), also then.
 */
bool record_make(const struct ossl *ossl, const struct record_input *input, struct record_made *made,
                 char *why, size_t size);
void record_made_free(struct record_made *made);

#endif
