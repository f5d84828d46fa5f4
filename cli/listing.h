/* A list of certificates and public keys on stdout: lines for a pipe, paragraphs for a reader, or JSON. */
#ifndef TLSGRAFT_LISTING_H
#define TLSGRAFT_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/certificate.h"

/* Of the caller, between listing_begin() and listing_end(). */
struct listing {
    const char *command; /* in whose name the user is told */
    json_t *array;       /* NULL: text */
    bool has_verdict;    /* set by the caller before the first is added: */
    bool allowed;        /* the policy would let the server pass that shows them */
    size_t count;        /* of those that were added */
};

/* False: memory is short, and the user has been told. */
bool listing_begin(struct listing *listing, const char *command, bool json);

void listing_add(struct listing *listing, const struct certificate *certificate);

/* `status`, or another if the output failed; then the user has been told. */
int listing_end(const struct listing *listing, int status);

#endif
