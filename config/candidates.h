/* The items of `certificate`: what each of them is, and the text of the files they name. */
#ifndef TLSGRAFT_CONFIG_CANDIDATES_H
#define TLSGRAFT_CONFIG_CANDIDATES_H

#include "config/load.h"

/* Reads `certificate` into `rule`. What is wrong is reported. */
void candidates_read(struct load *load, const config_setting_t *certificate, struct upstream_rule *rule);

#endif
