#include "config/items.h"

#include <string.h>

#include "config/settings.h"
#include "policy/record.h"
#include "policy/text.h"

static const char pem_begin[] = "-----BEGIN ";

bool item_is_pem(const char *text)
{
    return strstr(text, pem_begin) != NULL;
}

bool item_is_path(const char *text)
{
    size_t length = strlen(text);
    return strchr(text, '/') != NULL || (length > 4 && strcmp(text + length - 4, ".pem") == 0);
}

static size_t count_items(const char *text)
{
    size_t count = 1;
    if (item_is_pem(text))
        return 1;
    for (; (text = strchr(text, ',')) != NULL; text++)
        count++;
    return count;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next item of a text, of which `*rest` is what is left; NULL at its end. PEM is never split. */
static const char *next_item(struct arena *arena, const char **rest)
{
    const char *start = *rest;
    if (start == NULL)
        return NULL;
    const char *comma = item_is_pem(start) ? NULL : strchr(start, ',');
    size_t length = comma == NULL ? strlen(start) : (size_t)(comma - start);
    *rest = comma == NULL ? NULL : comma + 1;
    while (length > 0 && is_space(start[0])) {
        start++;
        length--;
    }
    while (length > 0 && is_space(start[length - 1]))
        length--;
    return arena_text(arena, start, length);
}

const char **items_split(struct load *load, const config_setting_t *setting, size_t *count)
{
    const char *text;
    size_t most = 0;
    *count = 0;
    for (unsigned i = 0; (text = settings_text_at(setting, i)) != NULL; i++)
        most += count_items(text);
    const char **items = most == 0 ? NULL : arena_alloc(&load->scratch, most * sizeof *items);
    if (items == NULL)
        return NULL;
    for (unsigned i = 0; (text = settings_text_at(setting, i)) != NULL; i++) {
        const char *rest = text;
        const char *item;
        while ((item = next_item(&load->policy->arena, &rest)) != NULL)
            items[(*count)++] = item;
    }
    return items;
}

enum file_result item_read_file(const struct item *item, const char *path, const char *without,
                                struct file_text *file, const char **why)
{
    struct load *load = item->load;
    enum file_result result =
        file_read(&load->scratch, load->watch, path, RECORD_TEXT_MAX, FILE_PUBLIC, file, why);
    if (result == FILE_UNREADABLE) {
        *why = arena_text(&load->policy->arena, *why, strlen(*why));
        load_say(load, CONFIG_UNRESOLVED, &item->at,
                 "%s: %s %s; mend the path or its permissions: until then %s", item->setting, path,
                 *why == NULL ? "cannot be read" : *why, without);
    } else if (result == FILE_REFUSED) {
        load_say(load, CONFIG_ERROR, &item->at, "%s: %s %s", item->setting, path, *why);
    }
    return result;
}

bool item_check_id(const struct item *item, const char *instead)
{
    const char *fault = record_id_fault(item->text);
    if (fault != NULL)
        load_say(item->load, CONFIG_ERROR, &item->at,
                 "%s: \"%.100s\" is taken for a certificate id, and %s; write the id that 'tlsgraft cert "
                 "add' prints, %s",
                 item->setting, item->text, fault, instead);
    return fault == NULL;
}

bool item_ends_in_hash(const char *id)
{
    size_t length = strlen(id);
    size_t digits = 0;
    while (digits < length && text_is_hex_digit(id[length - 1 - digits]))
        digits++;
    return digits >= RECORD_HASH_DIGITS;
}

const char *item_in_lower_case(struct load *load, const char *digits)
{
    char *id = arena_text(&load->policy->arena, digits, RECORD_HASH_DIGITS);
    for (size_t i = 0; id != NULL && i < RECORD_HASH_DIGITS; i++)
        id[i] = text_lower(id[i]);
    return id;
}
