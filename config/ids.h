/* The ids that rules name. */
#ifndef TLSGRAFT_CONFIG_IDS_H
#define TLSGRAFT_CONFIG_IDS_H

#include "config/load.h"

/* The numbers of the first rules of a section, or 0, in the policy's lists of all. */
struct ids_first {
    size_t pin_rule;
    size_t upstream_rule;
};

/*
 * Collects, each once and in the order of strcmp(3), the ids that the policy's rules from `first` on name and
 * that are not among `known` (in that order too), in the policy's arena. Rules that do not count name none.
 * Returns how many.
 */
size_t ids_collect(struct load *load, const struct ids_first *first, const char *const *known,
                   size_t known_count, const char *const **ids);

#endif
