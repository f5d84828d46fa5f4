/* The variables that stand for the scalars under `security`. */
#ifndef TLSGRAFT_CONFIG_ENVIRONMENT_H
#define TLSGRAFT_CONFIG_ENVIRONMENT_H

#include "config/settings.h"

#define ENVIRONMENT_NAME_SIZE 128

/*
 * The variable of a setting: TLSGRAFT_SECURITY_ + the path below `security`, upper case, without `_`, with
 * `_` between levels. `group` is the level between (NULL: none).
 */
void environment_name(const char *group, const char *setting, char name[ENVIRONMENT_NAME_SIZE]);

/* Checks the variables of the scalars in `table`, a group of `security` (NULL: security itself). */
void environment_check(struct load *load, const char *group, const struct setting *table);

#endif
