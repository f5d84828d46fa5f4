/* The one function of the plugin deep_plugin.c that its host deep.c calls. */
#ifndef LAB_DEEP_H
#define LAB_DEEP_H

#include "session.h"

typedef int lab_deep_run(const struct lab_options *options);

#endif
