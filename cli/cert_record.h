/* What is told of a record of the certificate store. */
#ifndef TLSGRAFT_CERT_RECORD_H
#define TLSGRAFT_CERT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "cli/certificate.h"
#include "cli/crypto.h"
#include "policy/record.h"
#include "policy/store.h"

/* Of the caller; cert_record_free() frees what it holds. */
struct cert_record {
    struct record *record;    /* NULL: it is broken */
    struct certificate first; /* or the public key */
};

/*
 * Reads the text of the record `id`, which ends with a NUL behind `length` bytes. False: it is refused, and
 * `why` is half a sentence that tells.
 */
bool cert_record_read(const struct crypto *crypto, const char *id, const char *text, size_t length,
                      struct cert_record *record, char why[STORE_WHY_SIZE]);
void cert_record_free(struct cert_record *record);

/*
 * The object that `cert show` and `cert list` print. NULL: memory is short. Its texts are those of the
 * certificate: not escaped for terminals.
 */
json_t *cert_record_json(const struct crypto *crypto, const char *id, const struct cert_record *record,
                         time_t now);

/* Whole days that are left, cut off; negative: since it expired. False: a public key, or no time is known. */
bool cert_record_days(const struct cert_record *record, time_t now, long *days);

/* For a terminal: how much those days are to be heeded; a sequence that colours, or "". `threshold_days`: the
 * policy's `warning_threshold_days`. */
const char *cert_record_colour(const struct cert_record *record, time_t now, unsigned threshold_days);
#define CERT_RECORD_COLOUR_END "\033[0m"

#endif
