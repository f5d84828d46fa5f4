/* The answer of `tlsgraft policy explain`, to stdout. */
#ifndef TLSGRAFT_EXPLAIN_PRINT_H
#define TLSGRAFT_EXPLAIN_PRINT_H

#include "cli/explanation.h"

/* `program` is that of --program; NULL: not given. An enum status, STATUS_DONE if it was printed. */
int explain_print_json(const struct explanation *explanation, const char *program);

/* Lines of `key TAB value`, for a reader with names aligned. */
void explain_print_text(const struct explanation *explanation, const char *program);

#endif
