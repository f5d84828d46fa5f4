#include "config/secret.h"

#include <string.h>
#include <sys/stat.h>

#include "config/environment.h"
#include "config/file.h"
#include "config/settings.h"
#include "policy/text.h"

#define SECRET_FILE_MAX ((size_t)64 << 10)

static const char setting_in_place[] = "private_certificate_encoding_secret";
static const char setting_file[] = "private_certificate_encoding_secret_file";
static const char gateway_variable[] = "TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET";
static const char without_secret[] = "the private keys of the store cannot be used";

void secret_read_file(struct load *load, const struct secret_path *from, struct secret *secret)
{
    struct file_text text;
    const char *why;
    switch (
        file_read(&load->policy->arena, load->watch, from->path, SECRET_FILE_MAX, FILE_SECRET, &text, &why)) {
    case FILE_READ:
        break;
    case FILE_UNREADABLE:
        /* No error: a program that may not read it may still do all for which it is not needed. */
        load_say(load, CONFIG_UNRESOLVED, from->at,
                 "%s: %s %s; mend the path or its permissions: until then %s", from->name, from->path, why,
                 from->without);
        return;
    case FILE_REFUSED:
        load_say(load, CONFIG_ERROR, from->at, "%s: %s %s", from->name, from->path, why);
        return;
    }
    /* Known from here on, so that it is wiped whatever comes. */
    *secret = (struct secret){text.data, text.length};
    if (secret->length > 0 && secret->data[secret->length - 1] == '\n')
        secret->length--;
    if (secret->length == 0)
        load_say(load, CONFIG_ERROR, from->at, "%s: %s is empty; write the secret into it", from->name,
                 from->path);
}

/* A text that is the secret itself. `at` NULL: of a variable. */
static void take_text(struct load *load, const char *text, const char *name, const struct source *at)
{
    struct policy *policy = load->policy;
    if (text[0] == '\0') {
        load_say(load, CONFIG_ERROR, at, "%s: empty; %s", name,
                 at == NULL ? "set it to the secret, or unset it" : "write the secret, or remove it");
        return;
    }
    policy->secret.length = strlen(text);
    policy->secret.data = arena_text(&policy->arena, text, policy->secret.length);
}

/* False: neither variable is set. */
static bool read_variables(struct load *load)
{
    struct policy *policy = load->policy;
    char name[ENVIRONMENT_NAME_SIZE], file_name[ENVIRONMENT_NAME_SIZE];
    environment_name(NULL, setting_in_place, name);
    environment_name(NULL, setting_file, file_name);
    const char *text = load->getenv(name);
    const char *path = load->getenv(file_name);
    if (text == NULL && path == NULL)
        return false;
    policy->secret_from = arena_printf(&policy->arena, "the variable %s", text != NULL ? name : file_name);
    if (text != NULL && path != NULL) {
        load_say(load, CONFIG_ERROR, NULL, "%s: %s is set too; allowed is one of them, unset the other",
                 file_name, name);
    } else if (text != NULL) {
        take_text(load, text, name, NULL);
    } else if (path[0] == '\0') {
        load_say(load, CONFIG_ERROR, NULL, "%s: empty; set it to the path of a file, or unset it", file_name);
    } else {
        const struct secret_path from = {
            .path = load_path(load, path), .name = file_name, .without = without_secret};
        if (from.path != NULL)
            secret_read_file(load, &from, &policy->secret);
    }
    return true;
}

void secret_warn_of_readers(struct load *load, const struct source *at, const char *setting, const char *what,
                            const char *instead)
{
    struct stat status;
    const char *word = text_for_shell(&load->scratch, at->file);
    if (word != NULL && stat(at->file, &status) == 0 && (status.st_mode & (S_IRGRP | S_IROTH)) != 0)
        load_say(load, CONFIG_WARNING, at,
                 "%s: %s stands in a file that others can read (mode %04o); %s, or run: chmod go-r %s",
                 setting, what, (unsigned)status.st_mode & 07777U, instead, word);
}

static void read_settings(struct load *load, const config_setting_t *in_place, const config_setting_t *file)
{
    struct policy *policy = load->policy;
    const config_setting_t *found = in_place != NULL ? in_place : file;
    const struct source at = load_source(load, found);
    policy->secret_from =
        arena_printf(&policy->arena, "security.%s at %s:%u", config_setting_name(found), at.file, at.line);
    if (in_place != NULL) {
        take_text(load, config_setting_get_string(in_place), setting_in_place, &at);
        return;
    }
    const struct secret_path from = {
        .path = settings_path(load, file), .name = setting_file, .at = &at, .without = without_secret};
    if (from.path != NULL)
        secret_read_file(load, &from, &policy->secret);
}

static void read_gateway_variable(struct load *load)
{
    const char *text = load->getenv(gateway_variable);
    /* Not ours to complain of: an empty one is none. */
    if (text == NULL || text[0] == '\0')
        return;
    load->policy->secret_from = arena_printf(&load->policy->arena, "the variable %s", gateway_variable);
    take_text(load, text, gateway_variable, NULL);
}

void secret_read(struct load *load, const config_setting_t *in_place, const config_setting_t *file)
{
    if (in_place != NULL) {
        const struct source at = load_source(load, in_place);
        secret_warn_of_readers(load, &at, setting_in_place, "it",
                               "write it into a file of its own and name that in "
                               "private_certificate_encoding_secret_file");
        if (file != NULL) {
            const struct source other = load_source(load, file);
            load_say(load, CONFIG_ERROR, &other,
                     "%s: the secret is given in place too, at %s:%u; allowed is one of them", setting_file,
                     at.file, at.line);
            return;
        }
    }
    if (read_variables(load))
        return;
    if (in_place != NULL || file != NULL)
        read_settings(load, in_place, file);
    else
        read_gateway_variable(load);
}
