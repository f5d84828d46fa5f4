#include "cli/cert_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "policy/names.h"
#include "policy/text.h"

enum { DAY = 86400, SOON = 30 * DAY };

/* The first that certificate_each() tells of. */
struct first {
    struct certificate *certificate;
    bool found;
};

static bool take_first(const struct certificate *certificate, unsigned line, void *context)
{
    struct first *first = context;
    (void)line;
    *first->certificate = *certificate;
    first->found = true;
    return false;
}

/* NULL: `certificate` tells of it. Else what it holds, which is wrong. */
static const char *read_public_key(const struct crypto *crypto, const char *text, size_t length,
                                   struct certificate *certificate)
{
    struct first first = {.certificate = certificate};
    unsigned line;
    const char *fault = certificate_each(crypto, text, length, take_first, &first, &line);
    if (fault != NULL)
        return fault;
    return first.found && certificate->is_key ? NULL : "a public key that cannot be found again";
}

bool cert_record_read(const struct crypto *crypto, const char *id, const char *text, size_t length,
                      struct cert_record *record, char why[STORE_WHY_SIZE])
{
    memset(record, 0, sizeof *record);
    record->record = record_parse(&crypto->ossl, id, text, length, why, STORE_WHY_SIZE);
    if (record->record == NULL)
        return false;
    const char *fault = NULL;
    if (record_certificate_count(record->record) == 0)
        fault = read_public_key(crypto, text, length, &record->first);
    else if (!certificate_read(crypto, record_certificate(record->record, 0), &record->first))
        fault = "a certificate whose key cannot be read";
    if (fault == NULL)
        return true;
    snprintf(why, STORE_WHY_SIZE, "it holds %s", fault);
    cert_record_free(record);
    return false;
}

void cert_record_free(struct cert_record *record)
{
    record_free(record->record);
    record->record = NULL;
}

bool cert_record_days(const struct cert_record *record, time_t now, long *days)
{
    *days = (long)((record->first.not_after - now) / DAY);
    return record->first.expires;
}

const char *cert_record_colour(const struct cert_record *record, time_t now)
{
    if (!record->first.expires)
        return "";
    time_t left = record->first.not_after - now;
    return left <= 0 ? "\033[31m" : left <= SOON ? "\033[33m" : "";
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, key, output_text(text));
}

static void set_time(json_t *object, const char *key, bool is_known, time_t time)
{
    char text[TEXT_TIME_SIZE];
    if (!is_known)
        return;
    text_of_time(time, text);
    json_object_set_new(object, key, json_string(text));
}

static void set_common_name(const struct crypto *crypto, json_t *object, const char *key,
                            const X509_NAME *name)
{
    char *text = names_common(&crypto->ossl, name);
    set_text(object, key, text);
    free(text);
}

static bool add_name(const char *name, void *context)
{
    json_array_append_new(context, output_text(name));
    return true;
}

/* What a certificate has and a public key has not, up to the kind of its key. */
static void set_certificate(const struct crypto *crypto, json_t *object, const struct cert_record *record)
{
    X509 *x = record_certificate(record->record, 0);
    json_t *dns_names = json_array();
    time_t not_before = 0;
    json_object_set_new(object, "has_private", json_boolean(record_has_private_key(record->record)));
    set_common_name(crypto, object, "subject_cn", crypto->ossl.X509_get_subject_name(x));
    set_common_name(crypto, object, "issuer_cn", crypto->ossl.X509_get_issuer_name(x));
    names_each_dns(&crypto->ossl, x, add_name, dns_names);
    json_object_set_new(object, "dns_names", dns_names);
    bool begins = certificate_time(crypto, crypto->ossl.X509_get0_notBefore(x), &not_before);
    set_time(object, "not_before", begins, not_before);
    set_time(object, "not_after", record->first.expires, record->first.not_after);
    json_object_set_new(object, "is_ca",
                        json_boolean((crypto->X509_get_extension_flags(x) & CRYPTO_FLAG_CA) != 0));
}

json_t *cert_record_json(const struct crypto *crypto, const char *id, const struct cert_record *record,
                         time_t now)
{
    char pin[PIN_TEXT_SIZE];
    long days;
    json_t *object = json_object();
    set_text(object, "id", id);
    pin_format(&record->first.pin, pin);
    if (record->first.is_key) {
        set_text(object, "pin", pin);
        set_text(object, "key_type", record->first.key_type);
        return object;
    }
    /* record_parse() has seen to it that the id ends so. */
    set_text(object, "fingerprint", id + strlen(id) - RECORD_HASH_DIGITS);
    crypto->ossl.ERR_set_mark();
    set_certificate(crypto, object, record);
    crypto->ossl.ERR_pop_to_mark();
    set_text(object, "key_type", record->first.key_type);
    set_text(object, "pin", pin);
    if (cert_record_days(record, now, &days))
        json_object_set_new(object, "days_remaining", json_integer(days));
    json_object_set_new(object, "chain_length",
                        json_integer((json_int_t)record_certificate_count(record->record)));
    return object;
}
