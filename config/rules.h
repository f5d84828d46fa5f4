/* The lists of rules: `pinned_public_keys`, `upstream_certificates`, and the program sections that have both.
 */
#ifndef TLSGRAFT_CONFIG_RULES_H
#define TLSGRAFT_CONFIG_RULES_H

#include "config/load.h"

/* Each reads one list of the policy; `list` may be NULL. What is wrong is reported. */
void rules_read_pins(struct load *load, const config_setting_t *list);
void rules_read_upstream(struct load *load, const config_setting_t *list);
void rules_read_programs(struct load *load, const config_setting_t *list);

#endif
