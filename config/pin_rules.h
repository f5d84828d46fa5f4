/* The list `pinned_public_keys`. */
#ifndef TLSGRAFT_CONFIG_PIN_RULES_H
#define TLSGRAFT_CONFIG_PIN_RULES_H

#include "config/load.h"

/*
 * Reads the list (NULL: not there). Its rules are added to those of the policy; their domains lead to them in
 * `index`, in the policy's arena. What is wrong is reported.
 */
void pin_rules_read(struct load *load, const config_setting_t *list, struct rule_index *index);

#endif
