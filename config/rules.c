#include "config/rules.h"

#include "config/elements.h"
#include "config/settings.h"

const struct word rules_modes[] = {{"enforce", MODE_ENFORCE, false},
                                   {"report", MODE_REPORT, false},
                                   {"off", MODE_OFF, false},
                                   {"", 0, false}};

void rules_add_domains(const struct rule_list *list, const config_setting_t *domains, struct source *rule)
{
    struct load *load = list->load;
    struct source at = load_source(load, domains);
    const char *text;
    unsigned i = 0;
    for (; (text = settings_text_at(domains, i)) != NULL; i++) {
        struct domain domain;
        char why[256];
        void *existing;
        if (!domain_parse(text, &domain, why, sizeof why)) {
            load_say(load, CONFIG_ERROR, &at, "domain: %s", why);
            continue;
        }
        switch (rule_index_add(list->index, &load->policy->arena, &domain, rule, &existing)) {
        case RULE_INDEX_ADDED:
            break;
        case RULE_INDEX_EXISTS: {
            const struct source *other = existing;
            load_say(load, CONFIG_ERROR, &at,
                     "domain: \"%.80s\" has a rule at %s:%u already; write one rule for it", text,
                     other->file, other->line);
            break;
        }
        case RULE_INDEX_NO_MEMORY:
            load_no_memory(load);
            return;
        }
    }
    if (i == 0)
        load_say(load, CONFIG_ERROR, &at, "domain: none; allowed is a name, a wildcard or an address");
}

/* One run of rules_read(). */
struct run {
    const struct rule_list *list;
    rule_reader *read;
};

static bool read_element(const config_setting_t *group, void *context)
{
    const struct run *run = context;
    bool done = run->read(run->list, group);
    if (!done)
        load_no_memory(run->list->load);
    return done;
}

void rules_read(const struct rule_list *list, const config_setting_t *setting, rule_reader *read)
{
    struct run run = {list, read};
    if (setting == NULL)
        return;
    if (rule_index_reserve(list->index, &list->load->policy->arena, elements_count(list->load, setting)))
        elements_each(list->load, setting, read_element, &run);
    else
        load_no_memory(list->load);
}
