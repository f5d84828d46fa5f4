/*
 * The settings of a policy file: names, types, ranges, words, in tables (the contract is the table of
 * tlsgraft-policy(5)). Reading a group against its table reports every unknown name and wrong value.
 */
#ifndef TLSGRAFT_CONFIG_SETTINGS_H
#define TLSGRAFT_CONFIG_SETTINGS_H

#include "config/load.h"

enum setting_type {
    SETTING_BOOLEAN,
    SETTING_INTEGER, /* least..most */
    SETTING_TEXT,
    SETTING_TEXTS, /* a text, or an array or list of texts */
    SETTING_WORD,  /* one of `words` */
    SETTING_DATE,  /* "YYYY-MM-DD" */
    SETTING_GROUP,
    SETTING_LIST,
};

/* The text is in it: a pointer would be relocated in every process at its start. */
struct word {
    char text[12]; /* "": end of the words */
    int value;
    bool later; /* known, but not supported yet */
};

struct setting {
    const char *name; /* NULL: end of the table */
    enum setting_type type;
    long least, most;
    const struct word *words;
    bool required;
};

/* The largest table has fewer. */
#define SETTINGS_MAX 20

/*
 * Checks `group` against `table`. `found[i]` becomes the setting of table[i], or NULL where it is missing or
 * wrong. Everything wrong is reported.
 */
void settings_read(struct load *load, const config_setting_t *group, const struct setting *table,
                   const config_setting_t *found[SETTINGS_MAX]);

/* The value of a word that settings_read() has passed; `otherwise` for NULL. */
int settings_word(const struct setting *setting, const config_setting_t *found, int otherwise);

/* The value of a SETTING_INTEGER that settings_read() has passed; `otherwise` for NULL. */
unsigned settings_number(const config_setting_t *found, unsigned otherwise);

/*
 * The texts of a SETTING_TEXTS that settings_read() has passed, one for each index from 0; NULL after the
 * last. They live as long as the scratch arena.
 */
const char *settings_text_at(const config_setting_t *found, unsigned index);

/*
 * The path that a SETTING_TEXT writes, relative to the policy file; in the policy's arena. NULL: memory is
 * short, or it is empty, which is reported.
 */
const char *settings_path(struct load *load, const config_setting_t *found);

#endif
