/* `tlsgraft cert show`: what a record of the store holds. Never its private key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cert_record.h"
#include "cli/cert_store.h"
#include "cli/message.h"
#include "cli/output.h"

static const char name[] = "cert show";

enum { KEY_WIDTH = 15 }; /* the longest, "days_remaining", and a colon */

static void print_key(const char *key)
{
    char label[64];
    bool reader = output_is_to_reader();
    snprintf(label, sizeof label, reader ? "%s:" : "%s", key);
    printf(reader ? "%-*s " : "%.*s\t", reader ? KEY_WIDTH : (int)sizeof label, label);
}

static void print_value(const json_t *value)
{
    if (json_is_string(value))
        text_print(stdout, json_string_value(value));
    else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        fputs(json_is_true(value) ? "yes" : "no", stdout);
}

static void print_line(const char *key, const json_t *value, const char *colour)
{
    print_key(key);
    fputs(colour, stdout);
    print_value(value);
    puts(colour[0] != '\0' ? CERT_RECORD_COLOUR_END : "");
}

/* A line for each member; of an array one for each element. */
static void print_text(json_t *object, const struct cert_record *record, time_t now, unsigned threshold_days)
{
    const char *colour = output_is_coloured() ? cert_record_colour(record, now, threshold_days) : "";
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        bool is_days = strcmp(key, "days_remaining") == 0;
        if (!json_is_array(value))
            print_line(key, value, is_days ? colour : "");
        for (size_t i = 0; i < json_array_size(value); i++)
            print_line(key, json_array_get(value, i), "");
    }
}

static int print(const struct policy *policy, const struct crypto *crypto, const char *id,
                 const struct cert_record *record, bool json)
{
    time_t now = time(NULL);
    json_t *object = cert_record_json(crypto, id, record, now);
    if (json || object == NULL)
        return output_json(name, object);
    print_text(object, record, now, policy->expiry.threshold_days);
    json_decref(object);
    return STATUS_DONE;
}

static void say_wrong_secret(const struct policy *policy, const char *id)
{
    message_warning(
        "%s: %s: the secret is wrong for its private key, so it cannot be presented to a server. The secret "
        "came from %s. It may come from security.private_certificate_encoding_secret or "
        "security.private_certificate_encoding_secret_file of the policy, or from "
        "TLSGRAFT_SECURITY_PRIVATECERTIFICATEENCODINGSECRET, "
        "TLSGRAFT_SECURITY_PRIVATECERTIFICATEENCODINGSECRETFILE or "
        "TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET; give the one that the record was added with",
        name, id, policy->secret_from != NULL ? policy->secret_from : "an unknown place");
}

/* Without a secret there is nothing to try, and whoever looks at certificates needs none. */
static void try_key(const struct policy *policy, const struct crypto *crypto, const char *id,
                    const struct cert_record *record)
{
    EVP_PKEY *key = NULL;
    if (policy->secret.data == NULL || !record_has_private_key(record->record))
        return;
    enum record_key_result result = record_private_key(&crypto->ossl, record->record, &policy->secret, &key);
    crypto->ossl.EVP_PKEY_free(key);
    if (result == RECORD_KEY_WRONG_SECRET)
        say_wrong_secret(policy, id);
    else if (result != RECORD_KEY_READ)
        message_warning("%s: %s: its private key cannot be used: %s; add the certificate again with its key, "
                        "after 'tlsgraft cert delete %s'",
                        name, id, record_key_words(result), id);
}

static int show_text(const struct cert_store *store, const struct crypto *crypto, const char *id,
                     const struct store_text *text, bool json)
{
    struct cert_record record;
    char why[STORE_WHY_SIZE];
    if (!cert_record_read(crypto, id, text->text, text->length, &record, why)) {
        message_error("%s: %s: the record in the %s is refused: %s; delete it, and add it again", name, id,
                      store->name, why);
        return STATUS_NO;
    }
    int status = print(store->policy, crypto, id, &record, json);
    try_key(store->policy, crypto, id, &record);
    cert_record_free(&record);
    return status;
}

static int show(const struct cert_store *store, const char *id, bool json)
{
    struct crypto crypto;
    struct store_text text = {0};
    enum store_result result;
    char why[STORE_WHY_SIZE] = "";
    if (!cert_store_crypto(name, &crypto))
        return STATUS_SURROUNDINGS;
    store_read(store->settings, &id, 1, store->settings->timeout_ms, &result, &text, why);
    if (result == STORE_ABSENT)
        return cert_store_say_absent(store, id);
    if (result != STORE_DONE)
        return cert_store_say_failed(store, id, why);
    int status = show_text(store, &crypto, id, &text, json);
    store_text_free(&text);
    return status;
}

static int run(const struct invocation *invocation)
{
    return cert_store_run(invocation, "json", show);
}

const struct command command_cert_show = {
    .name = name,
    .usage = "tlsgraft [--policy FILE] cert show ID [--json]",
    .summary = "tell what a record of the certificate store holds",
    .help =
        "Never prints the private key. Where the policy has a secret it is tried on it, and a warning tells\n"
        "if it is the wrong one; that does not change the status.\n"
        "\n"
        "  --json  print {id, fingerprint, has_private, subject_cn, issuer_cn, dns_names, not_before,\n"
        "          not_after, is_ca, key_type, pin, days_remaining, chain_length}; of a public key\n"
        "          {id, pin, key_type}. What the certificate does not have is absent\n"
        "\n"
        "Into a pipe it prints the same as lines of KEY, tab, VALUE; a line for each DNS name. All is of "
        "the\n"
        "first certificate but chain_length, the number of certificates. days_remaining is cut off, and\n"
        "negative after the end.\n"
        "\n"
        "status: 0 done; 1 there is no such record, or it is not the one of this id; 2 wrong usage, an\n"
        "invalid policy; 3 the store was not reached\n"
        "\n"
        "example:\n"
        "  tlsgraft --policy policy.cfg cert show \"$(tlsgraft --policy policy.cfg cert add api.pem)\"\n",
    .run = run,
};
