/* What the lists of rules have in common: `pinned_public_keys` and `upstream_certificates`. */
#ifndef TLSGRAFT_CONFIG_RULES_H
#define TLSGRAFT_CONFIG_RULES_H

#include "config/load.h"
#include "config/settings.h"

/* A list that is being read. */
struct rule_list {
    struct load *load;
    struct rule_index *index; /* where its domains lead to its rules, in the policy's arena */
};

/* The modes that a rule may have; their values are those of enum mode. */
extern const struct word rules_modes[];

/* Reads one element of a list, and adds it to the rules of the policy. False: memory is short. */
typedef bool rule_reader(const struct rule_list *list, const config_setting_t *group);

/* Reads all elements of a list (NULL: it is not there). */
void rules_read(const struct rule_list *list, const config_setting_t *setting, rule_reader *read);

/*
 * Makes each of the `domain`s of a rule lead to it. The first member of every rule is its source. What is
 * wrong is reported.
 */
void rules_add_domains(const struct rule_list *list, const config_setting_t *domains, struct source *rule);

#endif
