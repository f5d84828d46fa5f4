/*
 * What an upload holds, as far as its text shows, and what is refused by that alone: policy/record_make.c
 * reads what stands in the blocks.
 */
#ifndef TLSGRAFT_RECORD_INPUT_H
#define TLSGRAFT_RECORD_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/record.h"
#include "policy/record_pem.h"

struct record_upload {
    const struct ossl *ossl;
    const struct record_input *input;
    char *why; /* of a refusal: `size` bytes */
    size_t size;
    size_t certificate_count;
    size_t public_key_count;
    size_t private_key_count;
    struct pem_block private_key; /* the first; points into the input's text */
};

/* Counts the blocks. False: refused. */
bool record_input_survey(struct record_upload *upload);

/* Refuses: writes `why`, and returns false. Control characters are replaced. */
bool record_input_refuse(const struct record_upload *upload, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The input's name, for a command that is shown between apostrophes. */
const char *record_input_file(const struct record_upload *upload);

#endif
