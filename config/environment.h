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

/*
 * Reads the variable of a SETTING_INTEGER of a group of `security`, where it is set, into `*value`. One that
 * is no number of the setting's range is reported.
 */
void environment_number(struct load *load, const char *group, const struct setting *setting, unsigned *value);

#endif
