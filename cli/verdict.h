/* Would the policy let a program talk to this server? */
#ifndef TLSGRAFT_VERDICT_H
#define TLSGRAFT_VERDICT_H

#include <stdbool.h>

#include "cli/policy_file.h"
#include "cli/server.h"
#include "policy/words.h"

struct verdict {
    bool allowed;
    bool reported;          /* allowed only because the mode, or the rule's, is "report" */
    char words[WORDS_SIZE]; /* why it is refused or reported; FILE:LINE of the rule is in it */
};

/*
 * Judges as the library would in a program that asks for `servername` (NULL: for none, so that all that is
 * known of the peer is its address) on `port`. `program` (NULL: not given) is a path, with a '/' in it, or a
 * name as TLSGRAFT_PROGRAM has it. `file` has been read; the server's `crypto` must outlive it, as
 * the policy keeps what it verifies with.
 */
void verdict_find(const struct policy_file *file, const char *program, const struct server *server,
                  const char *servername, uint16_t port, struct verdict *verdict);

#endif
