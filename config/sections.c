#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "config/elements.h"
#include "config/ids.h"
#include "config/pin_rules.h"
#include "config/settings.h"
#include "config/upstream_rules.h"

enum program_setting {
    PROGRAM_NAME,
    PROGRAM_MATCH,
    PROGRAM_PINS,
    PROGRAM_UPSTREAM,
    PROGRAM_PINNING_DISABLED,
    PROGRAM_UPSTREAM_DISABLED
};
static const struct setting program_settings[] = {
    [PROGRAM_NAME] = {.name = "name", .type = SETTING_TEXT, .required = true},
    [PROGRAM_MATCH] = {.name = "match", .type = SETTING_TEXTS, .required = true},
    [PROGRAM_PINS] = {.name = "pinned_public_keys", .type = SETTING_LIST},
    [PROGRAM_UPSTREAM] = {.name = "upstream_certificates", .type = SETTING_LIST},
    [PROGRAM_PINNING_DISABLED] = {.name = "certificate_pinning_disabled", .type = SETTING_BOOLEAN},
    [PROGRAM_UPSTREAM_DISABLED] = {.name = "upstream_certificates_disabled", .type = SETTING_BOOLEAN},
    {.name = NULL},
};

static void read_name(struct load *load, const config_setting_t *setting, struct section *section)
{
    const char *name = config_setting_get_string(setting);
    if (name[0] == '\0') {
        struct source at = load_source(load, setting);
        load_say(load, CONFIG_ERROR, &at, "name: empty; allowed is a text that names the section in events");
    }
    section->name = arena_text(&load->policy->arena, name, strlen(name));
}

/* A path begins with a slash, which with FNM_PATHNAME only a slash matches: first, or after a * or a \. */
static bool can_match(const char *pattern)
{
    return strchr(pattern, '/') == NULL || strchr("/*\\", pattern[0]) != NULL;
}

/* fnmatch(3) takes a [ that is not closed for itself. */
static bool has_open_bracket(const char *pattern)
{
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == '[') {
            /* A ] that comes first, also after a ! or ^, stands for itself. */
            const char *first = at + 1 + (at[1] == '!' || at[1] == '^');
            const char *end = *first == '\0' ? NULL : strchr(first + 1, ']');
            if (end == NULL)
                return true;
            at = end;
        }
    }
    return false;
}

static void read_patterns(struct load *load, const config_setting_t *setting, struct section *section)
{
    struct arena *arena = &load->policy->arena;
    struct source at = load_source(load, setting);
    const char *text;
    unsigned count = 0;
    while (settings_text_at(setting, count) != NULL)
        count++;
    if (count == 0)
        load_say(load, CONFIG_ERROR, &at,
                 "match: none; allowed are paths and names of programs, with * and ?");
    const char **patterns = arena_alloc(arena, (count + 1) * sizeof *patterns);
    if (patterns == NULL) {
        load_no_memory(load);
        return;
    }
    for (unsigned i = 0; (text = settings_text_at(setting, i)) != NULL; i++) {
        if (text[0] == '\0')
            load_say(load, CONFIG_ERROR, &at,
                     "match: an empty pattern; allowed are paths and names of programs, with * and ?");
        else if (!can_match(text))
            load_say(load, CONFIG_WARNING, &at,
                     "match: \"%.80s\" matches no program; a pattern with a / is compared with the whole "
                     "path, so begin it with /",
                     text);
        else if (has_open_bracket(text))
            load_say(
                load, CONFIG_WARNING, &at,
                "match: \"%.80s\" has a [ that is not closed, so it matches nothing but a [ itself; close "
                "it with ], or write \\\\[",
                text);
        patterns[i] = arena_text(arena, text, strlen(text));
    }
    section->patterns = patterns;
    section->pattern_count = count;
}

static bool is_true(const config_setting_t *found)
{
    return found != NULL && config_setting_get_bool(found) != 0;
}

static void read_pin_rules(struct load *load, const config_setting_t *setting, struct section *section)
{
    size_t first = load->policy->pin_rule_count;
    pin_rules_read(load, setting, section->pinning_disabled ? &section->disabled_pins : &section->pins);
    for (size_t i = first; i < load->policy->pin_rule_count; i++)
        load->policy->pin_rules[i]->disabled = section->pinning_disabled;
}

static void read_upstream_rules(struct load *load, const config_setting_t *setting, struct section *section)
{
    size_t first = load->policy->upstream_rule_count;
    upstream_rules_read(load, setting,
                        section->upstream_disabled ? &section->disabled_upstream : &section->upstream);
    for (size_t i = first; i < load->policy->upstream_rule_count; i++)
        load->policy->upstream_rules[i]->disabled = section->upstream_disabled;
}

static void read_section(struct load *load, const config_setting_t *group, struct section *section)
{
    const struct policy *policy = load->policy;
    const config_setting_t *found[SETTINGS_MAX];
    settings_read(load, group, program_settings, found);
    section->source = load_source(load, group);
    if (found[PROGRAM_NAME] != NULL)
        read_name(load, found[PROGRAM_NAME], section);
    if (found[PROGRAM_MATCH] != NULL)
        read_patterns(load, found[PROGRAM_MATCH], section);
    section->pinning_disabled = is_true(found[PROGRAM_PINNING_DISABLED]);
    section->upstream_disabled = is_true(found[PROGRAM_UPSTREAM_DISABLED]);
    const struct ids_first first = {policy->pin_rule_count, policy->upstream_rule_count};
    read_pin_rules(load, found[PROGRAM_PINS], section);
    read_upstream_rules(load, found[PROGRAM_UPSTREAM], section);
    section->id_count = ids_collect(load, &first, policy->ids, policy->id_count, &section->ids);
}

static const char *name_of(const struct section *section)
{
    return section->name == NULL ? "" : section->name;
}

/* By name, and those of one name in the order of the file. */
static int compare_names(const void *a, const void *b)
{
    const struct section *one = *(const struct section *const *)a;
    const struct section *other = *(const struct section *const *)b;
    int order = strcmp(name_of(one), name_of(other));
    return order != 0 ? order : (one > other) - (one < other);
}

/* Events and commands tell sections apart by name. */
static void check_names(struct load *load)
{
    const struct policy *policy = load->policy;
    const struct section **sorted =
        arena_alloc(&load->scratch, policy->section_count * sizeof(struct section *));
    if (sorted == NULL) {
        load_no_memory(load);
        return;
    }
    for (size_t i = 0; i < policy->section_count; i++)
        sorted[i] = &policy->sections[i];
    qsort(sorted, policy->section_count, sizeof(struct section *), compare_names);
    for (size_t i = 1; i < policy->section_count; i++) {
        const struct source *before = &sorted[i - 1]->source;
        const char *name = name_of(sorted[i]);
        if (name[0] != '\0' && strcmp(name, name_of(sorted[i - 1])) == 0)
            load_say(load, CONFIG_ERROR, &sorted[i]->source,
                     "name: \"%.80s\" is the section at %s:%u already; give each section a name of its own",
                     name, before->file, before->line);
    }
}

static bool add_section(const config_setting_t *group, void *context)
{
    struct load *load = context;
    read_section(load, group, &load->policy->sections[load->policy->section_count++]);
    return true;
}

void sections_read(struct load *load, const config_setting_t *programs)
{
    struct policy *policy = load->policy;
    size_t count = elements_count(load, programs);
    if (count == 0)
        return;
    policy->sections = arena_alloc(&policy->arena, count * sizeof *policy->sections);
    if (policy->sections == NULL) {
        load_no_memory(load);
        return;
    }
    elements_each(load, programs, add_section, load);
    check_names(load);
}
