/*
 * Items: what the texts of `keys` and of `certificate` are made of. A text is one piece of PEM, or items with
 * commas between them; spaces around an item do not count.
 */
#ifndef TLSGRAFT_CONFIG_ITEMS_H
#define TLSGRAFT_CONFIG_ITEMS_H

#include "config/file.h"
#include "config/load.h"

struct item {
    struct load *load;
    struct source at;
    const char *setting; /* its name, for messages */
    const char *text;    /* NUL-terminated, without spaces around it; the policy's arena */
};

/*
 * All items of a SETTING_TEXTS that settings_read() has passed: their texts in the policy's arena, in an
 * array of the scratch arena. NULL: there are none (`*count` 0), or memory is short, which the arenas note.
 */
const char **items_split(struct load *load, const config_setting_t *setting, size_t *count);

bool item_is_pem(const char *text);

/* Of what is no PEM. */
bool item_is_path(const char *text);

/*
 * Reads the file at `path` into the scratch arena. What is wrong is reported; of a file that is
 * FILE_UNREADABLE also `without`, what does not work until it can be read, and `*why` (in the policy's
 * arena).
 */
enum file_result item_read_file(const struct item *item, const char *path, const char *without,
                                struct file_text *file, const char **why);

/* May the text be a certificate id? Else it is reported, with `instead`: what else may be written. */
bool item_check_id(const struct item *item, const char *instead);

/* Does an id end in the hash of its record? Without one there is no such record. */
bool item_ends_in_hash(const char *id);

/* 64 hex digits in lower case, as ids have them; in the policy's arena. NULL: memory is short. */
const char *item_in_lower_case(struct load *load, const char *digits);

#endif
