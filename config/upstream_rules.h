/* The list `upstream_certificates`. */
#ifndef TLSGRAFT_CONFIG_UPSTREAM_RULES_H
#define TLSGRAFT_CONFIG_UPSTREAM_RULES_H

#include "config/load.h"

/* The same as pin_rules_read(), for client certificates. */
void upstream_rules_read(struct load *load, const config_setting_t *list, struct rule_index *index);

#endif
