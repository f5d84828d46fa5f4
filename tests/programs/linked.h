/* The functions of session.h as the linker binds them: for programs linked with -lssl -lcrypto. */
#ifndef LAB_LINKED_H
#define LAB_LINKED_H

#include "session.h"

#define LAB_DECLARE(type, name, parameters) type name parameters;
LAB_FUNCTIONS(LAB_DECLARE)
#undef LAB_DECLARE

#define LAB_ENTRY(type, name, parameters) .name = name,
static const struct lab_api lab_linked = {LAB_FUNCTIONS(LAB_ENTRY)};
#undef LAB_ENTRY

#endif
