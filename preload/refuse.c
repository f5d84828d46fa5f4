#include "preload/refuse.h"

#include <stddef.h>

static void put(const struct libssl *libssl, int reason, const char *text)
{
    const struct ossl *fn = &libssl->fn;
    if (fn->ERR_set_error != NULL) {
        fn->ERR_new();
        fn->ERR_set_debug("tlsgraft", 0, "policy");
        fn->ERR_set_error(OSSL_ERR_LIB_SSL, reason, "tlsgraft: %s", text);
    } else {
        fn->ERR_put_error(OSSL_ERR_LIB_SSL, 0, reason, "tlsgraft", 0);
        fn->ERR_add_error_data(2, "tlsgraft: ", text);
    }
}

void refuse_with_words(const struct libssl *libssl, const char *text)
{
    put(libssl, OSSL_R_CERTIFICATE_VERIFY_FAILED, text);
}

void refuse_for_certificate(const struct libssl *libssl, const char *text)
{
    put(libssl, OSSL_R_CERTIFICATE_REQUIRED, text);
}
