/* The lists of rules: `pinned_public_keys`, `upstream_certificates`. */
#ifndef TLSGRAFT_CONFIG_RULES_H
#define TLSGRAFT_CONFIG_RULES_H

#include "config/load.h"

/*
 * Reads a list of pin rules (NULL: not there). All of them are added to those of the policy; their domains
 * lead to them in `index`, in the policy's arena. What is wrong is reported.
 */
void rules_read_pins(struct load *load, const config_setting_t *list, struct rule_index *index);

/* Checks a list of client certificates (NULL: not there), and refuses one that has any. */
void rules_read_upstream(struct load *load, const config_setting_t *list);

#endif
