/* A policy for the test that runs. Criterion runs each in a process of its own. */
#ifndef TLSGRAFT_TESTS_LOADED_H
#define TLSGRAFT_TESTS_LOADED_H

#include "policy/policy.h"

#define RULES(rules) "security: { pinned_public_keys = ( " rules " ); };"

/* The one that was loaded last; freed by loaded_clean(), which also does what fixture_clean() does. */
extern struct policy *policy;

/* Loads "version = 1; " and `text`, in the place of the one before. It must be valid. */
void load(const char *text);

void loaded_clean(void);

#endif
