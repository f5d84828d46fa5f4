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
static bool is_number(const char *text, long least, long most)
{
    long value = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && value <= most; i++)
        value = 10 * value + (text[i] - '0');
    return i > 0 && text[i] == '\0' && value >= least && value <= most;
}

void environment_check(struct load *load, const char *group, const struct setting *table)
{
    for (size_t i = 0; table[i].name != NULL; i++) {
        char name[ENVIRONMENT_NAME_SIZE];
        if (table[i].type != SETTING_INTEGER && table[i].type != SETTING_TEXT)
            continue;
        environment_name(group, table[i].name, name);
        const char *value = load->getenv(name);
        if (value == NULL)
            continue;
        if (table[i].type == SETTING_INTEGER && !is_number(value, table[i].least, table[i].most))
            load_say(load, CONFIG_ERROR, NULL, "%s: \"%.40s\"; allowed is %ld to %ld", name, value,
                     table[i].least, table[i].most);
        else if (table[i].later)
            load_say(load, CONFIG_ERROR, NULL, "%s: not supported yet; unset it", name);
    }
}
