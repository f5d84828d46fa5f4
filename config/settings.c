#include "config/settings.h"

#include <stdio.h>
#include <string.h>

#include "config/date.h"
#include "config/elements.h"
#include "config/nearest.h"

static const char *type_words(enum setting_type type)
{
    static const char *const words[] = {
        [SETTING_BOOLEAN] = "true or false",
        [SETTING_INTEGER] = "a whole number",
        [SETTING_TEXT] = "a text in quotes",
        [SETTING_TEXTS] = "a text in quotes, or an array of them, [ \"a\", \"b\" ]",
        [SETTING_WORD] = "a word in quotes",
        [SETTING_DATE] = "a date in quotes, \"YYYY-MM-DD\"",
        [SETTING_GROUP] = "a group, { ... }",
        [SETTING_LIST] = "a list of groups, ( { ... }, { ... } )",
    };
    return words[type];
}

static const char *found_words(int type)
{
    switch (type) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a whole number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a decimal point";
    case CONFIG_TYPE_STRING:
        return "a text";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_ARRAY:
        return "an array";
    case CONFIG_TYPE_LIST:
        return "a list";
    case CONFIG_TYPE_GROUP:
        return "a group";
    default:
        return "nothing";
    }
}

static bool is_texts(const config_setting_t *found)
{
    if (config_setting_type(found) == CONFIG_TYPE_STRING)
        return true;
    if (config_setting_type(found) != CONFIG_TYPE_ARRAY && config_setting_type(found) != CONFIG_TYPE_LIST)
        return false;
    for (int i = 0; i < config_setting_length(found); i++) {
        if (config_setting_type(config_setting_get_elem(found, (unsigned)i)) != CONFIG_TYPE_STRING)
            return false;
    }
    return true;
}

static bool is_list(const config_setting_t *found)
{
    /* libconfig takes () and [] alike where they are empty. */
    if (config_setting_type(found) != CONFIG_TYPE_LIST)
        return config_setting_type(found) == CONFIG_TYPE_ARRAY && config_setting_length(found) == 0;
    if (elements_are_out(found))
        return true;
    for (int i = 0; i < config_setting_length(found); i++) {
        if (config_setting_type(config_setting_get_elem(found, (unsigned)i)) != CONFIG_TYPE_GROUP)
            return false;
    }
    return true;
}

static bool has_type(const config_setting_t *found, enum setting_type type)
{
    int is = config_setting_type(found);
    switch (type) {
    case SETTING_BOOLEAN:
        return is == CONFIG_TYPE_BOOL;
    case SETTING_INTEGER:
        return is == CONFIG_TYPE_INT || is == CONFIG_TYPE_INT64;
    case SETTING_TEXT:
    case SETTING_WORD:
    case SETTING_DATE:
        return is == CONFIG_TYPE_STRING;
    case SETTING_TEXTS:
        return is_texts(found);
    case SETTING_GROUP:
        return is == CONFIG_TYPE_GROUP;
    case SETTING_LIST:
        return is_list(found);
    }
    return false;
}

static const struct word *find_word(const struct setting *setting, const char *text)
{
    const struct word *word = setting->words;
    while (word->text[0] != '\0' && strcmp(word->text, text) != 0)
        word++;
    return word->text[0] == '\0' ? NULL : word;
}

/* Adds to a list of words as far as it fits. */
static void append_word(char *list, size_t size, const char *before, const char *word)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", before, word);
}

static void say_words(struct load *load, const struct setting *setting, const struct source *at,
                      const char *text)
{
    char allowed[128] = "";
    for (const struct word *word = setting->words; word->text[0] != '\0'; word++) {
        append_word(allowed, sizeof allowed,
                    word == setting->words    ? "\""
                    : word[1].text[0] == '\0' ? " and \""
                                              : ", \"",
                    word->text);
        append_word(allowed, sizeof allowed, "\"", "");
    }
    load_say(load, CONFIG_ERROR, at, "%s: \"%.80s\"; allowed are %s", setting->name, text, allowed);
}

/* Is the value one that is allowed, and supported? What is wrong is reported. */
static bool check_value(struct load *load, const struct setting *setting, const config_setting_t *found)
{
    struct source at = load_source(load, found);
    const char *text = config_setting_get_string(found);
    if (!has_type(found, setting->type)) {
        load_say(load, CONFIG_ERROR, &at, "%s: found %s; allowed is %s", setting->name,
                 found_words(config_setting_type(found)), type_words(setting->type));
        return false;
    }
    if (setting->type == SETTING_INTEGER) {
        long long value = config_setting_get_int64(found);
        if (value < setting->least || value > setting->most) {
            if (setting->least == setting->most)
                load_say(load, CONFIG_ERROR, &at, "%s: %lld; allowed is %ld", setting->name, value,
                         setting->least);
            else
                load_say(load, CONFIG_ERROR, &at, "%s: %lld; allowed is %ld to %ld", setting->name, value,
                         setting->least, setting->most);
            return false;
        }
    }
    time_t start;
    if (setting->type == SETTING_DATE && !date_read(text, &start)) {
        load_say(load, CONFIG_ERROR, &at, "%s: \"%.80s\" is no date; allowed is \"YYYY-MM-DD\"",
                 setting->name, text);
        return false;
    }
    if (setting->type == SETTING_WORD) {
        const struct word *word = find_word(setting, text);
        if (word == NULL) {
            say_words(load, setting, &at, text);
            return false;
        }
        if (word->later)
            load_say(load, CONFIG_ERROR, &at, "%s: not supported yet; found \"%.80s\", remove it",
                     setting->name, text);
    }
    return true;
}

static void say_unknown(struct load *load, const config_setting_t *member, const struct setting *table)
{
    const char *names[SETTINGS_MAX];
    size_t count = 0;
    for (; table[count].name != NULL; count++)
        names[count] = table[count].name;
    struct source at = load_source(load, member);
    const char *name = config_setting_name(member);
    const char *nearest = nearest_word(name, names, count);
    if (nearest != NULL) {
        load_say(load, CONFIG_ERROR, &at, "%.80s: unknown setting; did you mean \"%s\"?", name, nearest);
        return;
    }
    char allowed[512] = "";
    for (size_t i = 0; i < count; i++)
        append_word(allowed, sizeof allowed, i == 0 ? "" : i + 1 == count ? " and " : ", ", names[i]);
    load_say(load, CONFIG_ERROR, &at, "%.80s: unknown setting; allowed here are %s", name, allowed);
}

void settings_read(struct load *load, const config_setting_t *group, const struct setting *table,
                   const config_setting_t *found[SETTINGS_MAX])
{
    unsigned there = 0; /* a bit for each of the table that is in the group, right or wrong */
    for (size_t i = 0; i < SETTINGS_MAX; i++)
        found[i] = NULL;
    for (int k = 0; k < config_setting_length(group); k++) {
        const config_setting_t *member = config_setting_get_elem(group, (unsigned)k);
        const char *name = config_setting_name(member);
        size_t i = 0;
        while (table[i].name != NULL && strcmp(table[i].name, name) != 0)
            i++;
        there |= 1U << i;
        if (table[i].name == NULL)
            say_unknown(load, member, table);
        else if (check_value(load, &table[i], member))
            found[i] = member;
    }
    for (size_t i = 0; table[i].name != NULL; i++) {
        if (table[i].required && (there & 1U << i) == 0) {
            struct source at = load_source(load, group);
            if (table[i].type == SETTING_INTEGER && table[i].least == table[i].most)
                load_say(load, CONFIG_ERROR, &at, "%s: missing; write %s = %ld;", table[i].name,
                         table[i].name, table[i].least);
            else
                load_say(load, CONFIG_ERROR, &at, "%s: missing; it must be %s", table[i].name,
                         type_words(table[i].type));
        }
    }
}

int settings_word(const struct setting *setting, const config_setting_t *found, int otherwise)
{
    const struct word *word = found == NULL ? NULL : find_word(setting, config_setting_get_string(found));
    return word == NULL ? otherwise : word->value;
}

unsigned settings_number(const config_setting_t *found, unsigned otherwise)
{
    return found == NULL ? otherwise : (unsigned)config_setting_get_int64(found);
}

const char *settings_text_at(const config_setting_t *found, unsigned index)
{
    if (config_setting_type(found) == CONFIG_TYPE_STRING)
        return index == 0 ? config_setting_get_string(found) : NULL;
    return index < (unsigned)config_setting_length(found) ? config_setting_get_string_elem(found, (int)index)
                                                          : NULL;
}

const char *settings_path(struct load *load, const config_setting_t *found)
{
    const char *text = config_setting_get_string(found);
    if (text[0] == '\0') {
        struct source at = load_source(load, found);
        load_say(load, CONFIG_ERROR, &at, "%s: empty; allowed is a path", config_setting_name(found));
        return NULL;
    }
    return load_path(load, text);
}
