/* Answers for judge(): by verifying what a server sent now, or by what an earlier handshake established. */
#ifndef TLSGRAFT_PROOF_H
#define TLSGRAFT_PROOF_H

#include "preload/examine.h"

/* A proof for what a connection shows. `showing` must outlive it. */
struct proof proof_for(const struct showing *showing);

#endif
