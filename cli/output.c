#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/message.h"
#include "policy/text.h"

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

size_t output_json_character(const char *text, size_t left)
{
    unsigned code;
    size_t length = text_control(text, left, &code);
    if (length > 0) {
        printf("\\u%04x", code);
        return length;
    }
    putchar((unsigned char)text[0]);
    return 1;
}

int output_json(const char *command, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_PRESERVE_ORDER | JSON_INDENT(2));
    json_decref(value);
    size_t length = text == NULL ? 0 : strlen(text);
    for (size_t i = 0; i < length;)
        i += output_json_character(text + i, length - i);
    free(text);
    putchar('\n');
    if (length > 0 && !ferror(stdout))
        return STATUS_DONE;
    message_error("%s: the answer could not be written; see where the output goes to", command);
    return STATUS_SURROUNDINGS;
}
