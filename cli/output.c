#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/message.h"

bool output_is_to_reader(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

bool output_is_coloured(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return output_is_to_reader() && (no_color == NULL || no_color[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

json_t *output_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    size_t size = 4 * strlen(text) + 1;
    char *escaped = malloc(size);
    if (escaped == NULL)
        return NULL;
    text_escape(escaped, size, text);
    value = json_string(escaped);
    free(escaped);
    return value;
}

json_t *output_place(const char *file, unsigned line)
{
    char *place;
    if (asprintf(&place, "%s:%u", file, line) < 0)
        return NULL;
    json_t *value = output_text(place);
    free(place);
    return value;
}

int output_json(const char *command, json_t *value)
{
    bool complete = value != NULL && json_dumpf(value, stdout, JSON_PRESERVE_ORDER | JSON_INDENT(2)) == 0;
    json_decref(value);
    putchar('\n');
    if (complete)
        return STATUS_DONE;
    message_error("%s: the answer could not be written; see where the output goes to", command);
    return STATUS_SURROUNDINGS;
}
