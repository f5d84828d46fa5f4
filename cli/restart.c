#include "cli/restart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/library.h"
#include "cli/message.h"

/* The whole command line: --policy, and the command with its words. NULL: memory is short. */
static const char **build_words(const struct invocation *invocation)
{
    enum { BEFORE = 4 }; /* the name of this program, --policy FILE, the name of the command */
    size_t used = 0;
    const char **words = calloc((size_t)invocation->argc + BEFORE + 1, sizeof *words);
    if (words == NULL)
        return NULL;
    words[used++] = "tlsgraft";
    if (invocation->policy != NULL) {
        words[used++] = "--policy";
        words[used++] = invocation->policy;
    }
    words[used++] = invocation->command->name; /* one word, for all who come here */
    for (int i = 1; i < invocation->argc; i++)
        words[used++] = invocation->argv[i];
    return words;
}

static void execute(const struct invocation *invocation, const char *preload)
{
    char path[PATH_MAX];
    const char **words = build_words(invocation);
    int error = words == NULL ? ENOMEM : ENOENT;
    if (words != NULL && library_own_path(path) && setenv("LD_PRELOAD", preload, 1) == 0) {
        execv(path, (char *const *)(uintptr_t)words);
        error = errno;
    }
    message_error(
        "%s: LD_PRELOAD has libtlsgraft.so, and it cannot be started again without: %s; take that out",
        invocation->command->name, strerror(error));
    free(words);
}

bool restart_ungoverned(const struct invocation *invocation)
{
    char *preload;
    bool ours = library_leave_out(getenv("LD_PRELOAD"), &preload);
    if (ours)
        execute(invocation, preload);
    free(preload);
    return !ours;
}
