/* Loads, resolves and frees good and bad policies; a sanitizer's build then tells of what was not freed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/resolve.h"
#include "tests/unit/support.h"

int main(void)
{
    static const char *const texts[] = {
        "version = 1; security: { pinned_public_keys = ( { domain = \"a\"; keys = \"key.pem\"; } ); };",
        "version = 1; security: { pinned_public_keys = ( { domain = \"a\"; keys = \"key.pem\"; } ); }; x = "
        "1;",
        "version = 1; security: { pinned_public_keys = ( { domain = \"a\"; keys = [ \"bad.pem\", "
        "\"gone.pem\" ]; } ); };",
        "version = (((",
    };
    int loaded = 0;
    directory_make(&directory);
    directory_text(
        &directory, "key.pem",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n");
    directory_text(&directory, "bad.pem", "-----BEGIN CERTIFICATE-----\nMCow\n-----END CERTIFICATE-----\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char why[256];
        struct policy *policy = load_text(&directory, texts[i], &findings);
        if (policy != NULL)
            loaded += policy_resolve(policy, crypto_table(), why, sizeof why) ? 1 : 10;
        policy_free(policy);
    }
    directory_remove(&directory);
    printf("%d\n", loaded);
    return loaded == 11 ? EXIT_SUCCESS : EXIT_FAILURE;
}
