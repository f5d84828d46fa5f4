/* `--program PATH|NAME`: the section of a policy's `programs` that a program would have. */
#ifndef TLSGRAFT_SECTION_H
#define TLSGRAFT_SECTION_H

#include <limits.h>

#include "policy/policy.h"

/*
 * `given` (NULL: not given) is a path if it has a slash, else a name as `tlsgraft run --program` sets it. Of
 * a path
 * `*program` becomes what the kernel tells of it, in `path`; the user is warned where that cannot be found
 * out, and of scripts, which run as their interpreter. NULL: no section matches.
 */
const struct section *section_of_program(const struct policy *policy, const char *given, char path[PATH_MAX],
                                         const char **program);

#endif
