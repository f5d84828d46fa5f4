/* The group `certificate_expiry_monitor`, and the variables that win over it. */
#ifndef TLSGRAFT_CONFIG_MONITOR_H
#define TLSGRAFT_CONFIG_MONITOR_H

#include "config/load.h"

/* Reads the group (NULL: not there) into the policy. What is wrong is reported. */
void monitor_section_read(struct load *load, const config_setting_t *group);

#endif
