#include "config/environment.h"

#include <string.h>

static char *append_text(char *out, const char *end, const char *text)
{
    while (*text != '\0' && out < end)
        *out++ = *text++;
    *out = '\0';
    return out;
}

/* In upper case and without `_`. */
static char *append_upper(char *out, const char *end, const char *text)
{
    for (; *text != '\0' && out < end; text++) {
        if (*text != '_')
            *out++ = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
    }
    *out = '\0';
    return out;
}

void environment_name(const char *group, const char *setting, char name[ENVIRONMENT_NAME_SIZE])
{
    const char *end = name + ENVIRONMENT_NAME_SIZE - 2;
    char *out = append_text(name, end, "TLSGRAFT_SECURITY_");
    if (group != NULL) {
        out = append_upper(out, end, group);
        *out++ = '_';
    }
    append_upper(out, end, setting);
}

/* False: the text is not a whole number of a range. */
static bool read_number(const char *text, long least, long most, long *value)
{
    size_t i = 0;
    *value = 0;
    for (; text[i] >= '0' && text[i] <= '9' && *value <= most; i++)
        *value = 10 * *value + (text[i] - '0');
    return i > 0 && text[i] == '\0' && *value >= least && *value <= most;
}

void environment_number(struct load *load, const char *group, const struct setting *setting, unsigned *value)
{
    char name[ENVIRONMENT_NAME_SIZE];
    long number;
    environment_name(group, setting->name, name);
    const char *text = load->getenv(name);
    if (text == NULL)
        return;
    if (read_number(text, setting->least, setting->most, &number))
        *value = (unsigned)number;
    else
        load_say(load, CONFIG_ERROR, NULL, "%s: \"%.40s\"; allowed is %ld to %ld", name, text, setting->least,
                 setting->most);
}
