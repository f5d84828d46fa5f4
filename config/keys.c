#include "config/keys.h"

#include <string.h>

#include "config/file.h"
#include "config/mistaken.h"
#include "config/pem.h"
#include "config/settings.h"
#include "policy/record.h"
#include "policy/text.h"

#define BASE64_LENGTH 44 /* of 32 bytes */
#define KEY_FILE_MAX  ((size_t)1 << 20)

static const char pem_begin[] = "-----BEGIN ";

struct item {
    struct load *load;
    struct source at;
    const char *text; /* NUL-terminated, without spaces around it; the policy's arena */
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
static void read_pin(const struct item *item)
{
    const char *base64 = item->text + strlen("sha256/");
    /* The base64 may begin with a slash itself. */
    if (*base64 == '/' && strlen(base64) > BASE64_LENGTH)
        base64++;
    if (pin_from_base64(base64, strlen(base64), &item->key->pin))
        return;
    const char *fault = mistaken_pin(&item->load->scratch, item->text);
    if (fault == NULL)
        fault = "is no SHA-256 in base64; allowed is sha256// and 44 characters that end in =";
    say_mistake(item, fault);
}

/* `path`: of the file that it stands in; NULL: it stands in the policy. */
static void set_pem(const struct item *item, const struct file_text *file, const char *path)
{
    struct arena *arena = &item->load->policy->arena;
    const char *fault = pem_fault(&item->load->scratch, file->data, file->length, path);
    if (fault != NULL) {
        load_say(item->load, CONFIG_ERROR, &item->at, "keys: %s %s", item->key->name, fault);
        return;
    }
    item->key->kind = KEY_PEM;
    item->key->pem_number = item->load->policy->pem_count++;
    item->key->pem = arena_text(arena, file->data, file->length);
}

static void read_pem_in_place(const struct item *item)
{
    size_t length = strlen(item->text);
    struct file_text text = {.data = arena_text(&item->load->scratch, item->text, length), .length = length};
    item->key->name = "PEM in place";
    if (text.data != NULL)
        set_pem(item, &text, NULL);
}

static void read_pem_file(const struct item *item)
{
    struct load *load = item->load;
    struct arena *arena = &load->policy->arena;
    const char *why;
    struct file_text file;
    const char *path = load_path(load, item->text);
    if (path == NULL)
        return;
    item->key->name = path;
    switch (file_read(&load->scratch, load->watch, path, KEY_FILE_MAX, FILE_PUBLIC, &file, &why)) {
    case FILE_READ:
        set_pem(item, &file, path);
        break;
    case FILE_UNREADABLE:
        item->key->kind = KEY_UNRESOLVED;
        item->key->why = arena_text(arena, why, strlen(why));
        load_say(
            load, CONFIG_UNRESOLVED, &item->at,
            "keys: %s %s; mend the path or its permissions: until then the rule refuses unless another of "
            "its keys matches",
            path, why);
        break;
    case FILE_REFUSED:
        load_say(load, CONFIG_ERROR, &item->at, "keys: %s %s", path, why);
        break;
    }
}

static const char id_hint[] =
    "it is taken for a certificate id; a path has a / in it or ends in .pem, and a pin "
    "begins with sha256//";

/* An id holds the hash of its record, so without one there is no such record. */
static bool ends_in_hash(const char *id)
{
    size_t length = strlen(id);
    size_t digits = 0;
    while (digits < length && text_is_hex_digit(id[length - 1 - digits]))
        digits++;
    return digits >= RECORD_HASH_DIGITS;
}

static void read_id(const struct item *item)
{
    const char *fault = record_id_fault(item->text);
    if (fault != NULL) {
        load_say(item->load, CONFIG_ERROR, &item->at,
                 "keys: \"%.100s\" is taken for a certificate id, and %s; write the id that 'tlsgraft cert "
                 "add' prints, the path of a PEM file with a / in it, or a pin, sha256//...",
                 item->text, fault);
        return;
    }
    item->key->kind = KEY_ID;
    item->key->why = ends_in_hash(item->text) ? NULL : id_hint;
}

/* Ids are in lower case, and so is the one that these digits may be. */
static void read_hex(const struct item *item)
{
    if (item->load->policy->organisation[0] != '\0')
        return;
    char id[RECORD_HASH_DIGITS + 1] = "";
    for (size_t i = 0; i < RECORD_HASH_DIGITS; i++)
        id[i] =
            item->text[i] >= 'A' && item->text[i] <= 'F' ? (char)(item->text[i] - 'A' + 'a') : item->text[i];
    item->key->kind = KEY_ID;
    item->key->pin_if_absent = true;
    item->key->name = arena_text(&item->load->policy->arena, id, RECORD_HASH_DIGITS);
}

static void read_item(const struct item *item)
{
    const char *text = item->text;
    size_t length = strlen(text);
    struct arena *scratch = &item->load->scratch;
    const char *fault = NULL;
    item->key->name = text;
    item->key->kind = KEY_PIN;
    if (length == 0)
        load_say(item->load, CONFIG_ERROR, &item->at,
                 "keys: an empty item; allowed are pins, paths of PEM files, PEM, certificate ids");
    else if (begins(text, "sha256/"))
        read_pin(item);
    else if (strstr(text, pem_begin) != NULL)
        read_pem_in_place(item);
    else if ((fault = mistaken_fingerprint(scratch, text)) != NULL ||
             (fault = mistaken_pin(scratch, text)) != NULL)
        say_mistake(item, fault);
    else if (strchr(text, '/') != NULL || (length > 4 && strcmp(text + length - 4, ".pem") == 0))
        read_pem_file(item);
    else if (pin_from_hex(text, length, &item->key->pin))
        read_hex(item);
    else
        read_id(item);
}

static unsigned count_items(const char *text)
{
    unsigned count = 1;
    if (strstr(text, pem_begin) != NULL)
        return 1;
    for (; *text != '\0'; text++)
        count += *text == ',';
    return count;
}

/* The next item of a text, of which `*rest` is what is left; NULL at its end. PEM is never split. */
static const char *next_item(struct arena *arena, const char **rest)
{
    const char *start = *rest;
    if (start == NULL)
        return NULL;
    size_t length = strstr(start, pem_begin) != NULL ? strlen(start) : strcspn(start, ",");
    *rest = start[length] == ',' ? start + length + 1 : NULL;
    while (length > 0 && strchr(" \t\r\n", start[0]) != NULL) {
        start++;
        length--;
    }
    while (length > 0 && strchr(" \t\r\n", start[length - 1]) != NULL)
        length--;
    return arena_text(arena, start, length);
}

void keys_read(struct load *load, const config_setting_t *keys, struct pin_rule *rule)
{
    struct arena *arena = &load->policy->arena;
    struct item item = {.load = load, .at = load_source(load, keys)};
    const char *text;
    size_t count = 0;
    for (unsigned i = 0; (text = settings_text_at(keys, i)) != NULL; i++)
        count += count_items(text);
    if (count == 0) {
        load_say(load, CONFIG_ERROR, &item.at,
                 "keys: none; allowed are pins, paths of PEM files, PEM, certificate ids");
        return;
    }
    rule->keys = arena_alloc(arena, count * sizeof *rule->keys);
    if (rule->keys == NULL)
        return;
    for (unsigned i = 0; (text = settings_text_at(keys, i)) != NULL; i++) {
        const char *rest = text;
        while ((item.text = next_item(arena, &rest)) != NULL) {
            item.key = &rule->keys[rule->key_count++];
            read_item(&item);
        }
    }
}
