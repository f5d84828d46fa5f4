/* The items of `keys`: what each of them is, and the text of the files they name. */
#ifndef TLSGRAFT_CONFIG_KEYS_H
#define TLSGRAFT_CONFIG_KEYS_H

#include "config/load.h"

/* Reads `keys` into `rule`. What is wrong is reported. */
void keys_read(struct load *load, const config_setting_t *keys, struct pin_rule *rule);

#endif
