/*
 * What is said of a server that a policy refuses or reports: why, with the rule, and what to do. Neither says
 * whose server it is; whoever asks has that to say before. No state; thread-safe.
 */
#ifndef TLSGRAFT_WORDS_H
#define TLSGRAFT_WORDS_H

#include "policy/judge.h"
#include "policy/openssl.h"

#define WORDS_SIZE 1024

/* What was judged. All of it is the caller's. */
struct account {
    const struct ossl *ossl;
    const struct requirement *requirement;
    const struct evidence *evidence;
    bool resumed; /* no chain was shown, as a session was resumed */
};

/* `judgement` failed: its reason is not REASON_NONE. What is too long is cut off. */
void words_of_judgement(const struct account *account, const struct judgement *judgement,
                        char words[WORDS_SIZE]);

/* No rule matches the server; `named`: its name is known, so `unmatched` speaks, else `unnamed`. */
void words_of_unknown(bool named, enum about about, char words[WORDS_SIZE]);

#endif
