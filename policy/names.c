#include "policy/names.h"

#include <stdlib.h>
#include <string.h>

/* A NUL would hide what stands behind it. */
static char *copy(const unsigned char *bytes, int length)
{
    char *text = malloc(4 * (size_t)(length > 0 ? length : 0) + 1);
    char *out = text;
    for (int i = 0; i < length && text != NULL; i++) {
        if (bytes[i] == '\0')
            out = stpcpy(out, "\\x00");
        else
            *out++ = (char)bytes[i];
    }
    if (out != NULL)
        *out = '\0';
    return text;
}

char *names_common(const struct ossl *ossl, const X509_NAME *name)
{
    int last = -1;
    for (int i = -1;
         name != NULL && (i = ossl->X509_NAME_get_index_by_NID(name, OSSL_NID_COMMON_NAME, i)) >= 0;)
        last = i;
    if (last < 0)
        return NULL;
    const ASN1_STRING *value = ossl->X509_NAME_ENTRY_get_data(ossl->X509_NAME_get_entry(name, last));
    unsigned char *utf8 = NULL;
    int length = ossl->ASN1_STRING_to_UTF8(&utf8, value);
    /* One whose bytes are not what its type says is told of as they are. */
    char *text = length >= 0 ? copy(utf8, length)
                             : copy(ossl->ASN1_STRING_get0_data(value), ossl->ASN1_STRING_length(value));
    if (length >= 0)
        ossl->CRYPTO_free(utf8, __FILE__, __LINE__);
    return text;
}

void names_each_dns(const struct ossl *ossl, const X509 *x, bool (*visit)(const char *name, void *context),
                    void *context)
{
    GENERAL_NAMES *names = ossl->X509_get_ext_d2i(x, OSSL_NID_SUBJECT_ALT_NAME, NULL, NULL);
    const OPENSSL_STACK *stack = (const OPENSSL_STACK *)names;
    bool more = true;
    for (int i = 0; names != NULL && more && i < ossl->OPENSSL_sk_num(stack); i++) {
        int type;
        const ASN1_STRING *value = ossl->GENERAL_NAME_get0_value(ossl->OPENSSL_sk_value(stack, i), &type);
        if (type != OSSL_GENERAL_NAME_DNS)
            continue;
        char *name = copy(ossl->ASN1_STRING_get0_data(value), ossl->ASN1_STRING_length(value));
        more = name != NULL && visit(name, context);
        free(name);
    }
    ossl->GENERAL_NAMES_free(names);
}

static bool take_first(const char *name, void *context)
{
    char **first = context;
    *first = strdup(name);
    return false;
}

char *names_of(const struct ossl *ossl, const X509 *x)
{
    char *name = names_common(ossl, ossl->X509_get_subject_name(x));
    if (name != NULL && name[0] != '\0')
        return name;
    free(name);
    name = NULL;
    names_each_dns(ossl, x, take_first, &name);
    return name;
}
