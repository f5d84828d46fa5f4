/* The report of an examination: the words of a refusal, the events, the lines of the log. */
#ifndef TLSGRAFT_TELL_H
#define TLSGRAFT_TELL_H

#include "preload/examine.h"

/* What is asked of a connection. On the stack of one call. */
struct examination {
    const struct showing *showing;
    struct peer peer;
    struct requirement requirements[PEER_NAMES_MAX];
    size_t count;
    const struct leaf *known; /* what the policy keeps of the leaf; NULL: nothing */
    bool has_pin;
    struct pin pin; /* of the leaf's key */
    struct proof proof;
    struct evidence evidence;
};

/* Of one requirement. `told`: the words of a refusal are in OpenSSL's queue already. */
void tell_judgement(const struct examination *e, const struct requirement *requirement,
                    const struct judgement *judgement, enum outcome outcome, bool told);

/* Of names that could not be looked up, as a rule of mode `mode` would. */
void tell_names_left_out(const struct examination *e, enum mode mode, bool told);

/* Of a peer that no rule matches; puts the words of its refusal (ABOUT_REFUSE) into OpenSSL's queue. */
void tell_unknown(const struct snapshot *snapshot, const struct libssl *libssl, const SSL *ssl,
                  enum about about);

/* The line of the log for a connection to `name` of `peer`; `at` NULL: no rule is in force for it. */
void tell_line(const struct peer *peer, const struct peer_name *name, const struct source *at,
               const char *outcome);

/* The line of the log for a connection of which nothing else is told; `outcome` is a word or two. */
void tell_connection(const struct libssl *libssl, const SSL *ssl, const char *outcome);

#endif
