#include "config/keys.h"

#include <string.h>

#include "config/items.h"
#include "config/mistaken.h"
#include "config/pem.h"
#include "policy/record.h"

#define BASE64_LENGTH 44 /* of 32 bytes */

/* One item, and what becomes of it. */
struct reading {
    struct item item;
    struct key *key;
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void say_mistake(const struct item *item, const char *fault)
{
    load_say(item->load, CONFIG_ERROR, &item->at, "keys: \"%.100s\" %s", item->text, fault);
}

/* Takes a pin from the text itself. */
static void read_pin(const struct reading *reading)
{
    const char *text = reading->item.text;
    const char *base64 = text + strlen("sha256/");
    /* The base64 may begin with a slash itself. */
    if (*base64 == '/' && strlen(base64) > BASE64_LENGTH)
        base64++;
    if (pin_from_base64(base64, strlen(base64), &reading->key->pin))
        return;
    const char *fault = mistaken_pin(&reading->item.load->scratch, text);
    if (fault == NULL)
        fault = "is no SHA-256 in base64; allowed is sha256// and 44 characters that end in =";
    say_mistake(&reading->item, fault);
}

/* `path`: of the file that it stands in; NULL: it stands in the policy. */
static void set_pem(const struct reading *reading, const char *text, size_t length, const char *path)
{
    struct load *load = reading->item.load;
    const char *fault = pem_fault(&load->scratch, text, length, path);
    if (fault != NULL) {
        load_say(load, CONFIG_ERROR, &reading->item.at, "keys: %s %s", reading->key->name, fault);
        return;
    }
    reading->key->kind = KEY_PEM;
    reading->key->pem_number = load->policy->pem_count++;
    reading->key->pem = arena_text(&load->policy->arena, text, length);
}

static void read_pem_in_place(const struct reading *reading)
{
    reading->key->name = "PEM in place";
    set_pem(reading, reading->item.text, strlen(reading->item.text), NULL);
}

static void read_pem_file(const struct reading *reading)
{
    const char *why;
    struct file_text file;
    const char *path = load_path(reading->item.load, reading->item.text);
    if (path == NULL)
        return;
    reading->key->name = path;
    switch (item_read_file(&reading->item, path, "the rule refuses unless another of its keys matches", &file,
                           &why)) {
    case FILE_READ:
        set_pem(reading, file.data, file.length, path);
        break;
    case FILE_UNREADABLE:
        reading->key->kind = KEY_UNRESOLVED;
        reading->key->why = why;
        break;
    case FILE_REFUSED:
        break;
    }
}

static const char id_hint[] =
    "it is taken for a certificate id; a path has a / in it or ends in .pem, and a pin "
    "begins with sha256//";

static void read_id(const struct reading *reading)
{
    if (!item_check_id(&reading->item, "the path of a PEM file with a / in it, or a pin, sha256//..."))
        return;
    reading->key->kind = KEY_ID;
    reading->key->why = item_ends_in_hash(reading->item.text) ? NULL : id_hint;
}

/* Ids are in lower case, and so is the one that these digits may be. */
static void read_hex(const struct reading *reading)
{
    if (reading->item.load->policy->organisation[0] != '\0')
        return;
    reading->key->kind = KEY_ID;
    reading->key->pin_if_absent = true;
    reading->key->name = item_in_lower_case(reading->item.load, reading->item.text);
}

static void read_item(const struct reading *reading)
{
    const struct item *item = &reading->item;
    const char *text = item->text;
    struct arena *scratch = &item->load->scratch;
    const char *fault = NULL;
    reading->key->name = text;
    reading->key->kind = KEY_PIN;
    if (text[0] == '\0')
        load_say(item->load, CONFIG_ERROR, &item->at,
                 "keys: an empty item; allowed are pins, paths of PEM files, PEM, certificate ids");
    else if (begins(text, "sha256/"))
        read_pin(reading);
    else if (item_is_pem(text))
        read_pem_in_place(reading);
    else if ((fault = mistaken_fingerprint(scratch, text)) != NULL ||
             (fault = mistaken_pin(scratch, text)) != NULL)
        say_mistake(item, fault);
    else if (item_is_path(text))
        read_pem_file(reading);
    else if (pin_from_hex(text, strlen(text), &reading->key->pin))
        read_hex(reading);
    else
        read_id(reading);
}

void keys_read(struct load *load, const config_setting_t *keys, struct pin_rule *rule)
{
    struct reading reading = {.item = {.load = load, .at = load_source(load, keys), .setting = "keys"}};
    size_t count;
    const char **texts = items_split(load, keys, &count);
    if (texts == NULL) {
        if (!load->scratch.failed)
            load_say(load, CONFIG_ERROR, &reading.item.at,
                     "keys: none; allowed are pins, paths of PEM files, PEM, certificate ids");
        return;
    }
    rule->keys = arena_alloc(&load->policy->arena, count * sizeof *rule->keys);
    if (rule->keys == NULL)
        return;
    for (; rule->key_count < count && texts[rule->key_count] != NULL; rule->key_count++) {
        reading.item.text = texts[rule->key_count];
        reading.key = &rule->keys[rule->key_count];
        read_item(&reading);
    }
}
