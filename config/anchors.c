#include "config/anchors.h"

#include <string.h>

#include "config/file.h"
#include "config/pem.h"
#include "config/settings.h"

/* Bundles of every public authority have a quarter of that. */
#define BUNDLE_MAX ((size_t)4 << 20)

static const char begin[] = "-----BEGIN ";

static bool is_same_path(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* NULL: there is none. */
static struct anchors *find_recent(const struct load *load, const char *file, const char *path)
{
    for (size_t i = 0; i < LOAD_RECENT_ANCHORS; i++) {
        struct anchors *anchors = load->recent_anchors[i];
        if (anchors != NULL && is_same_path(anchors->file, file) && is_same_path(anchors->path, path))
            return anchors;
    }
    return NULL;
}

/* What can be seen of the text without OpenSSL; NULL: nothing is wrong. */
static const char *fault_of(struct arena *arena, const struct file_text *text, const char *name)
{
    if (text->length > 0 && text->data[0] == 0x30 && strstr(text->data, begin) == NULL)
        return pem_made_by(arena, "is DER; allowed is PEM", "openssl x509 -inform DER", name);
    if (memchr(text->data, '\0', text->length) != NULL)
        return "has a NUL byte; allowed is PEM text";
    if (strstr(text->data, "-----BEGIN CERTIFICATE-----") == NULL)
        return "holds no CERTIFICATE block; allowed are certificates in PEM";
    return NULL;
}

static void read_file(struct load *load, const config_setting_t *setting, struct anchors *anchors)
{
    struct source at = load_source(load, setting);
    struct file_text text;
    const char *why;
    enum file_result result =
        file_read(&load->scratch, load->watch, anchors->file, BUNDLE_MAX, FILE_PUBLIC, &text, &why);
    if (result == FILE_READ)
        why = fault_of(&load->scratch, &text, anchors->file);
    if (result == FILE_UNREADABLE)
        load_say(load, CONFIG_UNRESOLVED, &at, "ca_file: %s %s; until it can, nothing verifies up to it",
                 anchors->file, why);
    else if (why != NULL)
        load_say(load, CONFIG_ERROR, &at, "ca_file: %s %s", anchors->file, why);
    else
        anchors->file_text = arena_text(&load->policy->arena, text.data, text.length);
}

static void examine_directory(struct load *load, const config_setting_t *setting,
                              const struct anchors *anchors)
{
    struct source at = load_source(load, setting);
    const char *why;
    switch (file_examine_directory(&load->scratch, load->watch, anchors->path, &why)) {
    case FILE_READ:
        break;
    case FILE_UNREADABLE:
        load_say(load, CONFIG_UNRESOLVED, &at, "ca_path: %s %s; until it can, nothing verifies up to it",
                 anchors->path, why);
        break;
    case FILE_REFUSED:
        load_say(load, CONFIG_ERROR, &at, "ca_path: %s %s", anchors->path, why);
        break;
    }
}

struct anchors *anchors_read(struct load *load, const config_setting_t *file, const config_setting_t *path)
{
    const char *file_name = file == NULL ? NULL : settings_path(load, file);
    const char *path_name = path == NULL ? NULL : settings_path(load, path);
    struct anchors *anchors = find_recent(load, file_name, path_name);
    if (anchors != NULL)
        return anchors;
    anchors = arena_alloc(&load->policy->arena, sizeof *anchors);
    if (anchors == NULL)
        return NULL;
    anchors->file = file_name;
    anchors->path = path_name;
    if (file_name != NULL)
        read_file(load, file, anchors);
    if (path_name != NULL)
        examine_directory(load, path, anchors);
    load->recent_anchors[load->anchors_made++ % LOAD_RECENT_ANCHORS] = anchors;
    return anchors;
}
