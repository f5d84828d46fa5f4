/* The section `store`. */
#ifndef TLSGRAFT_CONFIG_STORE_H
#define TLSGRAFT_CONFIG_STORE_H

#include "config/load.h"

/* Reads the section (NULL: not there) into the policy, without asking a network. What is wrong is reported.
 */
void store_section_read(struct load *load, const config_setting_t *group);

/*
 * Resolves the name in the address of the section, where it has one: the monitor of expiry needs it, whatever
 * rules there are. The policy before has its addresses already, if it writes the same. That it cannot be is
 * reported.
 */
void store_section_resolve(struct load *load, const config_setting_t *group);

#endif
