#include "config/candidates.h"

#include <string.h>
#include <strings.h>

#include "config/candidate_pem.h"
#include "config/items.h"
#include "config/mistaken.h"
#include "config/pem.h"
#include "config/secret.h"
#include "policy/record.h"

static const char setting[] = "certificate";

/* One item, and what becomes of it. */
struct reading {
    struct item item;
    struct candidate *candidate;
};

static void say(const struct reading *reading, const char *fault)
{
    load_say(reading->item.load, CONFIG_ERROR, &reading->item.at, "%s: %s %s", setting,
             reading->candidate->name, fault);
}

static void say_of_text(const struct reading *reading, const char *fault)
{
    load_say(reading->item.load, CONFIG_ERROR, &reading->item.at, "%s: \"%.100s\" %s", setting,
             reading->item.text, fault);
}

static void set_pem(const struct reading *reading, const char *text, size_t length)
{
    reading->candidate->kind = CANDIDATE_PEM;
    reading->candidate->pem = text;
    reading->candidate->pem_length = length;
}

static void read_pem_in_place(const struct reading *reading)
{
    struct load *load = reading->item.load;
    const char *text = reading->item.text;
    size_t length = strlen(text);
    bool has_key = false;
    reading->candidate->name = "PEM in place";
    const char *fault = candidate_pem_fault(&load->scratch, text, length, NULL, &has_key);
    if (has_key)
        secret_warn_of_readers(load, &reading->item.at, setting, "the private key",
                               "put it with its certificate into a file of its own and name that here");
    if (fault != NULL)
        say(reading, fault);
    else
        set_pem(reading, text, length);
}

/* `file`: that at the candidate's path. */
static void take_file(const struct reading *reading, const struct file_text *file)
{
    struct load *load = reading->item.load;
    const char *path = reading->candidate->name;
    bool has_key = false;
    const char *fault = candidate_pem_fault(&load->scratch, file->data, file->length, path, &has_key);
    const char *readers = has_key ? file_readers_fault(&load->scratch, file, path) : NULL;
    if (readers != NULL)
        load_say(load, CONFIG_WARNING, &reading->item.at, "%s: %s holds a private key, and %s", setting, path,
                 readers);
    if (fault != NULL)
        say(reading, fault);
    else
        set_pem(reading, arena_text(&load->policy->arena, file->data, file->length), file->length);
}

static void read_file(const struct reading *reading)
{
    struct candidate *candidate = reading->candidate;
    struct file_text file;
    const char *path = load_path(reading->item.load, reading->item.text);
    if (path == NULL)
        return;
    candidate->name = path;
    switch (item_read_file(&reading->item, path, "it cannot be presented", &file, &candidate->why)) {
    case FILE_READ:
        take_file(reading, &file);
        break;
    case FILE_UNREADABLE:
        candidate->kind = CANDIDATE_UNRESOLVED;
        break;
    case FILE_REFUSED:
        break;
    }
}

static const char id_hint[] =
    "it is taken for a certificate id; a path has a / in it or ends in .pem, and the id is printed by "
    "'tlsgraft cert list'";

/* With an organisation the ids of its records begin with it. */
static void read_digits(const struct reading *reading)
{
    struct load *load = reading->item.load;
    const char *organisation = load->policy->organisation;
    struct candidate *candidate = reading->candidate;
    candidate->kind = CANDIDATE_ID;
    candidate->name = item_in_lower_case(load, reading->item.text);
    if (organisation[0] != '\0' && candidate->name != NULL)
        candidate->why = arena_printf(&load->policy->arena,
                                      "it is taken for a certificate id, which begins with the organisation "
                                      "where there is one: %s%s",
                                      organisation, candidate->name);
}

static void read_id(const struct reading *reading)
{
    if (!item_check_id(&reading->item, "or the path of a PEM file with a / in it"))
        return;
    reading->candidate->kind = CANDIDATE_ID;
    reading->candidate->why = item_ends_in_hash(reading->item.text) ? NULL : id_hint;
}

static bool ends_in(const char *text, const char *ending)
{
    size_t length = strlen(text);
    size_t of_ending = strlen(ending);
    return length > of_ending && strcasecmp(text + length - of_ending, ending) == 0;
}

/* What somebody took for a reference: `what was found; what is allowed`. NULL: it may be one. */
static const char *mistake(const struct reading *reading)
{
    struct load *load = reading->item.load;
    struct arena *scratch = &load->scratch;
    const char *text = reading->item.text;
    char digits[MISTAKEN_DIGITS_SIZE];
    if (strncmp(text, "sha256/", strlen("sha256/")) == 0 || mistaken_pin(scratch, text) != NULL)
        return "is a pin, which has no private key; allowed is a certificate id, or the path of a PEM file "
               "with a certificate and its private key";
    if (mistaken_digits(text, digits))
        return arena_printf(scratch,
                            "is a fingerprint with colons; of a certificate in the store, write its id, %s%s",
                            load->policy->organisation, digits);
    if (mistaken_fingerprint(scratch, text) != NULL)
        return "is a fingerprint, and no SHA-256; of a certificate in the store, write its id, which is "
               "printed by: tlsgraft cert list";
    if (!item_is_path(text) && (ends_in(text, ".p12") || ends_in(text, ".pfx")))
        return pem_made_by(scratch, CANDIDATE_PKCS12, CANDIDATE_PKCS12_COMMAND, load_path(load, text));
    return NULL;
}

static void read_item(const struct reading *reading)
{
    const struct item *item = &reading->item;
    const char *text = item->text;
    const char *fault = NULL;
    struct pin unused;
    reading->candidate->name = text;
    reading->candidate->number = item->load->policy->candidate_count++;
    if (text[0] == '\0')
        load_say(item->load, CONFIG_ERROR, &item->at,
                 "%s: an empty item; allowed are certificate ids, paths of PEM files, PEM", setting);
    else if (item_is_pem(text))
        read_pem_in_place(reading);
    else if ((fault = mistake(reading)) != NULL)
        say_of_text(reading, fault);
    else if (item_is_path(text))
        read_file(reading);
    else if (pin_from_hex(text, strlen(text), &unused))
        read_digits(reading);
    else
        read_id(reading);
}

void candidates_read(struct load *load, const config_setting_t *certificate, struct upstream_rule *rule)
{
    struct reading reading = {
        .item = {.load = load, .at = load_source(load, certificate), .setting = setting}};
    size_t count;
    const char **texts = items_split(load, certificate, &count);
    if (texts == NULL) {
        if (!load->scratch.failed)
            load_say(load, CONFIG_ERROR, &reading.item.at,
                     "%s: none; allowed are certificate ids, paths of PEM files, PEM", setting);
        return;
    }
    rule->candidates = arena_alloc(&load->policy->arena, count * sizeof *rule->candidates);
    if (rule->candidates == NULL)
        return;
    for (; rule->candidate_count < count && texts[rule->candidate_count] != NULL; rule->candidate_count++) {
        reading.item.text = texts[rule->candidate_count];
        reading.candidate = &rule->candidates[rule->candidate_count];
        read_item(&reading);
    }
}
