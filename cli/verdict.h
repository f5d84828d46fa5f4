/* Would the policy let a program talk to this server? */
#ifndef TLSGRAFT_VERDICT_H
#define TLSGRAFT_VERDICT_H

#include <stdbool.h>

#include "cli/policy_file.h"
#include "cli/section.h"
#include "cli/server.h"
#include "policy/words.h"

struct verdict {
    bool allowed;
    bool reported;          /* allowed only because the mode, or the rule's, is "report" */
    char words[WORDS_SIZE]; /* why it is refused or reported; FILE:LINE of the rule is in it */
};

/*
 * Judges as the library would in a program that asks for `servername` (NULL: for none, so that all that is
 * known of the peer is its address) on `port`. `program` is what --program says. `file` has been read; the
 * server's `crypto` must outlive it, as the policy keeps what it verifies with.
 */
void verdict_find(const struct policy_file *file, const struct program_asked *program,
                  const struct server *server, const char *servername, uint16_t port,
                  struct verdict *verdict);

#endif
