/* Can one ELF program be governed? */
#ifndef TLSGRAFT_BINARY_H
#define TLSGRAFT_BINARY_H

#include <stdbool.h>

#include "cli/elf.h"
#include "cli/library.h"
#include "cli/needs.h"

enum { REASON_SIZE = 4096 };

enum binary_verdict {
    BINARY_GOVERNABLE,
    BINARY_STATIC,      /* no loader: nothing can be preloaded, though its children may be governed */
    BINARY_UNGOVERNED,  /* it runs with our library, but that sees nothing of its TLS, or is dropped */
    BINARY_UNLOADABLE,  /* our library cannot be loaded into it, and LD_PRELOAD would disturb it */
    BINARY_BROKEN,      /* no program that could run */
    BINARY_LOADER_GONE, /* the loader that it names does not exist: exec fails with ENOENT */
    BINARY_UNDECIDED,   /* the surroundings failed */
};

struct binary {
    enum binary_verdict verdict;
    char reason[REASON_SIZE]; /* for a yes too: what it needs */
    struct needs needs;
    bool exports_openssl; /* it has OpenSSL linked in, and exports what is needed to govern it */
};

/*
 * Judges the program `path`, open as `fd`, with these facts. The proof of loading runs its loader, but only
 * one that is glibc's. `facts` and `fault` come from elf_read(); `fault` is NULL unless it said ELF_BROKEN.
 */
void binary_judge(const char *path, int fd, const struct elf_facts *facts, const char *fault,
                  const struct library *library, struct binary *binary);

/*
 * What the file alone tells, open as `fd`: nothing is executed, and no library is looked for. True: nothing
 * speaks against it, and there is no verdict. Parameters as above.
 */
bool binary_judge_file(int fd, const struct elf_facts *facts, const char *fault,
                       const struct library *library, struct binary *binary);

#endif
