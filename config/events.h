/* The group `events`, and the directory of the cooldowns. */
#ifndef TLSGRAFT_CONFIG_EVENTS_H
#define TLSGRAFT_CONFIG_EVENTS_H

#include "config/load.h"

/*
 * Reads the group (NULL: not there) into the policy, after the section `store`. `state_directory`: the
 * setting of that name which stands at the top level; NULL: none does. What is wrong is reported.
 */
void events_section_read(struct load *load, const config_setting_t *group,
                         const config_setting_t *state_directory);

#endif
