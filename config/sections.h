/* `programs`: the sections with rules for some programs alone. */
#ifndef TLSGRAFT_CONFIG_SECTIONS_H
#define TLSGRAFT_CONFIG_SECTIONS_H

#include "config/load.h"

/* Reads `programs` (NULL: not there) into the policy. What is wrong is reported. */
void sections_read(struct load *load, const config_setting_t *programs);

#endif
