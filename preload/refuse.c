#include "preload/refuse.h"

#include <stddef.h>

void refuse_with_words(const struct libssl *libssl, const char *text)
{
    const struct ossl *fn = &libssl->fn;
    if (fn->ERR_set_error != NULL) {
        fn->ERR_new();
        fn->ERR_set_debug("tlsgraft", 0, "policy");
        fn->ERR_set_error(OSSL_ERR_LIB_SSL, OSSL_R_CERTIFICATE_VERIFY_FAILED, "tlsgraft: %s", text);
    } else {
        fn->ERR_put_error(OSSL_ERR_LIB_SSL, 0, OSSL_R_CERTIFICATE_VERIFY_FAILED, "tlsgraft", 0);
        fn->ERR_add_error_data(2, "tlsgraft: ", text);
    }
}
