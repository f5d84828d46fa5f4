#include "config/store.h"

#include <string.h>

#include "config/address.h"
#include "config/secret.h"
#include "config/settings.h"

static const char default_path[] = "/etc/tlsgraft/certs";
static const char default_address[] = "127.0.0.1:6379";

static const struct word types[] = {
    {"directory", STORE_DIRECTORY, false}, {"redis", STORE_REDIS, false}, {"", 0, false}};

enum store_setting {
    STORE_TYPE,
    STORE_PATH,
    STORE_ADDRESS,
    STORE_USERNAME,
    STORE_PASSWORD_FILE,
    STORE_DATABASE,
    STORE_TIMEOUT,
    STORE_CACHE,
    STORE_STALE,
    STORE_PREFETCH
};
static const struct setting store_settings[] = {
    [STORE_TYPE] = {.name = "type", .type = SETTING_WORD, .words = types},
    [STORE_PATH] = {.name = "path", .type = SETTING_TEXT},
    [STORE_ADDRESS] = {.name = "address", .type = SETTING_TEXT},
    [STORE_USERNAME] = {.name = "username", .type = SETTING_TEXT},
    [STORE_PASSWORD_FILE] = {.name = "password_file", .type = SETTING_TEXT},
    [STORE_DATABASE] = {.name = "database", .type = SETTING_INTEGER, .least = 0, .most = 2147483647},
    [STORE_TIMEOUT] = {.name = "timeout_ms", .type = SETTING_INTEGER, .least = 1, .most = 10000},
    [STORE_CACHE] = {.name = "cache_seconds", .type = SETTING_INTEGER, .least = 0, .most = 86400},
    [STORE_STALE] = {.name = "stale_seconds", .type = SETTING_INTEGER, .least = 0, .most = 604800},
    [STORE_PREFETCH] = {.name = "prefetch", .type = SETTING_BOOLEAN},
    {.name = NULL},
};

/* A setting without effect would be a policy that does something else than its author thinks. */
static void refuse_of_other_type(struct load *load, const config_setting_t *const *found,
                                 enum store_type type)
{
    static const struct {
        enum store_setting setting;
        enum store_type type;
    } of[] = {{STORE_PATH, STORE_DIRECTORY},
              {STORE_ADDRESS, STORE_REDIS},
              {STORE_USERNAME, STORE_REDIS},
              {STORE_PASSWORD_FILE, STORE_REDIS},
              {STORE_DATABASE, STORE_REDIS}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        const config_setting_t *setting = found[of[i].setting];
        if (setting == NULL || of[i].type == type)
            continue;
        struct source at = load_source(load, setting);
        load_say(load, CONFIG_ERROR, &at,
                 "%s: the store is of the type \"%s\"%s; write type = \"%s\", or remove it",
                 config_setting_name(setting), types[type].text,
                 found[STORE_TYPE] == NULL ? " where no type is given" : "", types[of[i].type].text);
    }
}

static void read_address(struct load *load, const config_setting_t *setting, struct store_settings *store)
{
    const char *given = setting == NULL ? default_address : config_setting_get_string(setting);
    const char *text = arena_text(&load->policy->arena, given, strlen(given));
    const char *fault = text == NULL ? NULL : address_read(&load->scratch, text, store);
    if (fault == NULL)
        return;
    struct source at = load_source(load, setting);
    load_say(load, CONFIG_ERROR, &at, "address: %s", fault);
}

static void read_username(struct load *load, const config_setting_t *const *found,
                          struct store_settings *store)
{
    const config_setting_t *setting = found[STORE_USERNAME];
    const char *name = setting == NULL ? NULL : config_setting_get_string(setting);
    if (name == NULL)
        return;
    struct source at = load_source(load, setting);
    if (name[0] == '\0')
        load_say(load, CONFIG_ERROR, &at, "username: empty; write the name of a Redis user, or remove it");
    else if (found[STORE_PASSWORD_FILE] == NULL)
        load_say(load, CONFIG_ERROR, &at,
                 "username: without password_file; write the password into a file, and name that");
    store->username = arena_text(&load->policy->arena, name, strlen(name));
}

static void read_password(struct load *load, const config_setting_t *setting, struct store_settings *store)
{
    struct secret password = {NULL, 0};
    const struct source at = load_source(load, setting);
    const struct secret_path from = {.path = settings_path(load, setting),
                                     .name = config_setting_name(setting),
                                     .at = &at,
                                     .without = "the store is asked without a password"};
    if (from.path == NULL)
        return;
    secret_read_file(load, &from, &password);
    store->password = password.data;
    store->password_length = password.length;
}

void store_section_read(struct load *load, const config_setting_t *group)
{
    const config_setting_t *found[SETTINGS_MAX] = {NULL};
    struct store_settings *store = &load->policy->store;
    int errors = load->errors;
    if (group != NULL)
        settings_read(load, group, store_settings, found);
    file_identity_at("/", &store->root);
    store->type =
        (enum store_type)settings_word(&store_settings[STORE_TYPE], found[STORE_TYPE], STORE_DIRECTORY);
    store->database = settings_number(found[STORE_DATABASE], 0);
    store->timeout_ms = settings_number(found[STORE_TIMEOUT], 500);
    store->cache_seconds = settings_number(found[STORE_CACHE], 300);
    store->stale_seconds = settings_number(found[STORE_STALE], 0);
    store->prefetch = found[STORE_PREFETCH] == NULL || config_setting_get_bool(found[STORE_PREFETCH]) != 0;
    /* A type that is there and wrong has been reported; what follows would be said of another. */
    if (load->errors == errors)
        refuse_of_other_type(load, found, store->type);
    if (store->type == STORE_DIRECTORY) {
        store->path = found[STORE_PATH] == NULL ? default_path : settings_path(load, found[STORE_PATH]);
        return;
    }
    read_address(load, found[STORE_ADDRESS], store);
    read_username(load, found, store);
    if (found[STORE_PASSWORD_FILE] != NULL)
        read_password(load, found[STORE_PASSWORD_FILE], store);
}

/* What was found for the same address before: a resolver may take longer than a handshake may. */
static void take_addresses(struct store_settings *store, const struct policy *before)
{
    const struct store_settings *known = before == NULL ? NULL : &before->store;
    if (store->type != STORE_REDIS || store->address_count > 0 || known == NULL ||
        known->type != STORE_REDIS || known->address == NULL || store->address == NULL ||
        strcmp(known->address, store->address) != 0)
        return;
    memcpy(store->addresses, known->addresses, sizeof store->addresses);
    store->address_count = known->address_count;
}

void store_section_resolve(struct load *load, const config_setting_t *group)
{
    const config_setting_t *address = group == NULL ? NULL : config_setting_get_member(group, "address");
    /* A refused policy asks nobody. */
    if (address == NULL || load->errors > 0)
        return;
    take_addresses(&load->policy->store, load->before);
    const char *why = address_resolve(&load->policy->store);
    if (why == NULL)
        return;
    struct source at = load_source(load, address);
    load_say(
        load, CONFIG_WARNING, &at,
        "address: \"%.80s\" cannot be resolved: %s; mend the name, or write an address: until then a rule "
        "refuses if all of its keys are certificate ids, and other machines raise the same events of expiry",
        load->policy->store.address, why);
}
