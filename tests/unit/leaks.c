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
        "version = 1; ca_file = \"bad.pem\"; ca_path = \".\"; programs = ( { name = \"x\"; match = [ \"/x\", "
        "\"x\" ]; "
        "pinned_public_keys = ( { domain = \"a\"; verify = \"require\"; ca_file = \"gone.pem\"; } ); } );",
        "version = 1; store: { type = \"redis\"; address = \"localhost:1\"; password_file = \"secret\"; }; "
        "security: { private_certificate_encoding_secret_file = \"secret\"; pinned_public_keys = ( { domain "
        "= "
        "\"a\"; keys = \"an-id,another-id\"; } ); };",
        "version = 1; store: { type = \"redis\"; address = \"localhost\"; password_file = \"secret\"; };",
    };
    int loaded = 0;
    directory_make(&directory);
    directory_text(
        &directory, "key.pem",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n");
    directory_text(&directory, "bad.pem", "-----BEGIN CERTIFICATE-----\nMCow\n-----END CERTIFICATE-----\n");
    directory_text(&directory, "secret", "hush\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char why[256];
        struct watch watch = {0};
        struct policy *policy =
            load_watched(directory_text(&directory, "policy.cfg", texts[i]), &findings, &watch);
        if (policy != NULL)
            loaded += policy_resolve(policy, crypto_table(), why, sizeof why) ? 1 : 10;
        policy_free(policy);
        loaded += watch_has_changed(&watch) ? 100 : 0;
        watch_free(&watch);
    }
    directory_remove(&directory);
    printf("%d\n", loaded);
    return loaded == 13 ? EXIT_SUCCESS : EXIT_FAILURE;
}
