/* What the parts of config/ share while one policy is being read. Owner: config_load(), on its stack. */
#ifndef TLSGRAFT_CONFIG_LOAD_H
#define TLSGRAFT_CONFIG_LOAD_H

#include <libconfig.h>
#include <stdbool.h>

#include "config/config.h"
#include "config/flatten.h"
#include "policy/arena.h"

/* More than these are not reported: nobody reads on. */
#define LOAD_ERRORS_MAX 20

/* Among so many places of certificates one that is named again is looked for. */
#define LOAD_RECENT_ANCHORS 16

struct load {
    const struct config_report *report;
    config_getenv *getenv;
    struct watch *watch;  /* of the caller; NULL: none */
    struct arena scratch; /* the text, and all of libconfig's memory; gone after loading */
    struct flat_text text;
    struct policy *policy;                               /* being built */
    const struct policy *before;                         /* that it takes the place of; NULL: none */
    const char *directory;                               /* of the policy file, with a final '/' */
    struct anchors *recent_anchors[LOAD_RECENT_ANCHORS]; /* NULL: none yet */
    size_t anchors_made;
    bool lists_checked;  /* libconfig has read all long lists, or found a fault; see config/elements.h */
    const char *fault;   /* what it found; NULL: nothing */
    unsigned fault_line; /* of the flat text */
    int errors;
    int unresolved;
};

/* Reports one finding at a place in the policy file. `format` begins with the name of the setting. */
void load_say(struct load *load, enum config_severity severity, const struct source *at, const char *format,
              ...) __attribute__((format(printf, 4, 5)));

/* Reports that memory ran out, once. */
void load_no_memory(struct load *load);

/* The path that a text writes, relative to the policy file; in the policy's arena. NULL: memory is short. */
const char *load_path(struct load *load, const char *text);

/* FILE:LINE of a setting. */
struct source load_source(const struct load *load, const config_setting_t *setting);

#endif
