/*
 * A text as a store may give it, and as it may be uploaded. What record_make() makes of it must be read back,
 * under the id that it told, with the same secret.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct secret secret = {"352d20ee67be67f6340b4c0605b044b7", 32};

static void *find(void *context, const char *name, uint32_t hash, size_t size)
{
    (void)hash;
    (void)size;
    return dlsym(context, name);
}

static const struct ossl *table(void)
{
    static const char *const names[] = {"libcrypto.so.4", "libcrypto.so.3", "libcrypto.so.1.1"};
    static struct ossl table;
    void *library = NULL;
    if (table.OpenSSL_version != NULL)
        return &table;
    for (size_t i = 0; library == NULL && i < sizeof names / sizeof *names; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || ossl_fill_crypto(&table, find, library) != NULL)
        abort();
    return &table;
}

/* Is the record whole, with its key if it has one? */
static enum record_key_result read_back(const char *id, const char *text, size_t length)
{
    char why[512];
    EVP_PKEY *key;
    const struct ossl *ossl = table();
    struct record *record = record_parse(ossl, id, text, length, why, sizeof why);
    if (record == NULL)
        return RECORD_KEY_BROKEN;
    enum record_key_result result = record_private_key(ossl, record, &secret, &key);
    ossl->EVP_PKEY_free(key);
    record_free(record);
    return result;
}

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char iv[16] = {1};
    char why[512];
    struct record_made made;
    const char *text = (const char *)data; /* no NUL behind it */
    const struct record_input input = {.text = text,
                                       .length = size,
                                       .organisation = "o",
                                       .secret = &secret,
                                       .iv = iv,
                                       .now = 1800000000,
                                       .name = "-"};
    read_back(NULL, text, size);
    if (record_make(table(), &input, &made, why, sizeof why))
        check(read_back(made.id, made.text, made.length) ==
              (made.has_private_key ? RECORD_KEY_READ : RECORD_KEY_NONE));
    else
        check(why[0] != '\0');
    record_made_free(&made);
    check(table()->ERR_peek_last_error() == 0);
    return 0;
}
