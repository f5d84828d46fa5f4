#include "policy/pin_json.h"

#include <string.h>

void pin_add_to_json(json_t *array, const struct pin *pin)
{
    char text[PIN_TEXT_SIZE];
    pin_format(pin, text);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *other = json_string_value(json_array_get(array, i));
        if (other != NULL && strcmp(other, text) == 0)
            return;
    }
    json_array_append_new(array, json_string(text));
}
