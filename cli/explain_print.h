/* The answer of `tlsgraft policy explain`, to stdout. */
#ifndef TLSGRAFT_EXPLAIN_PRINT_H
#define TLSGRAFT_EXPLAIN_PRINT_H

#include "cli/explanation.h"
#include "cli/section.h"

/* An enum status, STATUS_DONE if it was printed. */
int explain_print_json(const struct explanation *explanation, const struct program_found *program);

/* Lines of `key TAB value`, for a reader with names aligned. */
void explain_print_text(const struct explanation *explanation, const struct program_found *program);

/* What is to be known besides, each in a sentence. */
enum { EXPLAIN_NOTES_MAX = 8 };
struct explain_notes {
    char texts[EXPLAIN_NOTES_MAX][SECTION_NOTE_SIZE];
    size_t count;
};
void explain_find_notes(const struct explanation *explanation, const struct program_found *program,
                        struct explain_notes *notes);

#endif
