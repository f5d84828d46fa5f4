/* The policy as a whole: its top level and its groups. */
#ifndef TLSGRAFT_CONFIG_CHECK_H
#define TLSGRAFT_CONFIG_CHECK_H

#include "config/load.h"

/* Fills load->policy from a parsed file. What is wrong is reported. */
void check_policy(struct load *load, const config_setting_t *root);

#endif
