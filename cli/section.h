/* `--program PATH|NAME`: the section of a policy's `programs` that a program would have. */
#ifndef TLSGRAFT_SECTION_H
#define TLSGRAFT_SECTION_H

#include <limits.h>
#include <stdbool.h>

#include "policy/policy.h"

/* What is given: one path, one name, or both, as a program has both at run time. NULL: not given. */
struct program_asked {
    const char *path; /* has a slash */
    const char *name; /* as `tlsgraft run --program NAME` sets it, or a base name */
};

/*
 * Takes the argument of one `--program`. False: it is empty, or one of its kind is there already; the user
 * has been told in the name of `command`.
 */
bool section_take_program(struct program_asked *asked, const char *argument, const char *command);

/* Points into itself, so it must not be moved, and into the policy. */
struct program_found {
    const struct section *section; /* NULL: none matches */
    /*
     * Where a name alone is given: the first section that an executable could match before that one, and how
     * many more there are. NULL: none.
     */
    const struct section *perhaps;
    size_t more;
    const char *program; /* the path of the executable, else the name; NULL: nothing is given */
    const char *name;    /* the name, where both are given; else NULL */
    char path[PATH_MAX];
};

/*
 * Finds the section. Of a path counts what the kernel tells of the executable: without symbolic links, and of
 * a script the one that runs it. The user is warned of that, and where it cannot be found out.
 */
void section_find(const struct policy *policy, const struct program_asked *asked,
                  struct program_found *found);

enum { SECTION_NOTE_SIZE = 8192 };

/* What to know of `perhaps`, which is there, in a sentence. */
void section_note(const struct program_found *found, char note[SECTION_NOTE_SIZE]);

#endif
