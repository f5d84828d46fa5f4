/* The words of a refusal, where a program finds them: in OpenSSL's error queue. */
#ifndef TLSGRAFT_REFUSE_H
#define TLSGRAFT_REFUSE_H

#include "preload/libssl.h"

/*
 * Puts one entry at the end of the queue: library SSL, reason "certificate verify failed", and `text` as its
 * data. So curl keeps exit 60, Python its CERTIFICATE_VERIFY_FAILED, and s_client prints the text.
 */
void refuse_with_words(const struct libssl *libssl, const char *text);

/* The same with the reason "certificate required": so curl ends with 98, a client certificate is missing. */
void refuse_for_certificate(const struct libssl *libssl, const char *text);

#endif
