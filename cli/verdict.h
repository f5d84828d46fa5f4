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

/* What is found for one server. */
struct verdicts {
    struct verdict given;   /* at the port that was given */
    struct verdict unknown; /* where the program's port is not known: rules for other ports count too */
};

/*
 * Judges as the library would in a program that asks for `servername` (NULL: for none, so that all that is
 * known of the peer is its address) on `port`; `is_host`: that is the name of the host it connects to, or the
 * host is an address and there is none, so that the port is its own. `program` is what --program says. `file`
 * has been read; the server's `crypto` must outlive it, as the policy keeps what it verifies with.
 */
void verdict_find(const struct policy_file *file, const struct program_asked *program,
                  const struct server *server, const char *servername, bool is_host, uint16_t port,
                  struct verdicts *verdicts);

#endif
