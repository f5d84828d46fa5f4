/* The ids that rules name. */
#ifndef TLSGRAFT_CONFIG_IDS_H
#define TLSGRAFT_CONFIG_IDS_H

#include "config/load.h"

/*
 * Collects, each once and in the order of strcmp(3), the ids of the policy's pin rules from number `first` on
 * that are not among `known` (in that order too), in the policy's arena. Rules that do not count name none.
 * Returns how many.
 */
size_t ids_collect(struct load *load, size_t first, const char *const *known, size_t known_count,
                   const char *const **ids);

#endif
