/* The report of what became of a server's wish for a client certificate. */
#ifndef TLSGRAFT_UPSTREAM_TELL_H
#define TLSGRAFT_UPSTREAM_TELL_H

#include "preload/upstream.h"

/* How many candidates that OpenSSL did not take are told as such. */
#define NOT_TAKEN_MAX 8

/* Candidates that the server would have accepted, and the program's OpenSSL does not take. */
struct not_taken {
    size_t count;
    const struct credential *credentials[NOT_TAKEN_MAX];
};

/*
 * No certificate can be shown: raises the event, and where the rule requires one puts the words of the
 * refusal into OpenSSL's queue. `choice` NULL: memory was short, or it was not made. `instead`: half a
 * sentence in its place; NULL: what the answer and the choice say.
 */
void upstream_tell_unavailable(const struct asking *asking, const struct upstream_choice *choice,
                               const struct not_taken *not_taken, const char *instead);

/* The line of the log: `what` happens with `reference` (NULL: nothing is named). */
void upstream_tell(const struct asking *asking, const char *what, const char *reference);

#endif
