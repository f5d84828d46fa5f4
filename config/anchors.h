/* `ca_file` and `ca_path`, of the policy and of its rules. */
#ifndef TLSGRAFT_CONFIG_ANCHORS_H
#define TLSGRAFT_CONFIG_ANCHORS_H

#include "config/load.h"

/*
 * The place that the two settings (NULL: not there) name, in the policy's arena. Neighbours that name the
 * same share it. What is wrong is reported. NULL: memory is short.
 */
struct anchors *anchors_read(struct load *load, const config_setting_t *file, const config_setting_t *path);

#endif
