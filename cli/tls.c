#include "cli/tls.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define BY_A_CLIENT "send its connections through a client that can be governed, such as stunnel"

const char tls_advice_client[] = BY_A_CLIENT;

const struct tls_library tls_linked_in = {TLS_LINKED_IN, "TLS linked in",
                                          "use a build of it with a shared OpenSSL, or " BY_A_CLIENT};
const struct tls_library tls_exported = {TLS_GOVERNED, "OpenSSL", NULL};

static const char to_openssl[] = "use a build of it, or another program, that is linked with OpenSSL";
static const char to_newer[] = "use a build of it that is linked with OpenSSL 1.1.1 or later";
static const char java[] =
    "give it a trust store of its own (-Djavax.net.ssl.trustStore=FILE), or " BY_A_CLIENT;

struct row {
    const char *name; /* of the file, up to its version */
    const char *words;
    const char *advice;
};

/* NSS is two libraries, and its libssl3.so is not OpenSSL's libssl.so.3. The launchers of Java need its
 * libjli. */
static const struct row others[] = {
    {"libgnutls.so", "GnuTLS", to_openssl},   {"libnss3.so", "NSS", to_openssl},
    {"libssl3.so", "NSS", to_openssl},        {"libmbedtls.so", "mbedTLS", to_openssl},
    {"libwolfssl.so", "wolfSSL", to_openssl}, {"libs2n.so", "s2n", to_openssl},
    {"libtls.so", "LibreSSL", to_openssl},    {"librustls.so", "rustls", to_openssl},
    {"libjli.so", "Java's own TLS", java},    {"libjvm.so", "Java's own TLS", java},
};

/* What stands after "libssl.so."; without advice: it is governed. */
static const struct row lines[] = {
    {"1.1", "OpenSSL 1.1.1", NULL},     {"3", "OpenSSL 3", NULL},
    {"4", "OpenSSL 4", NULL},           {"10", "OpenSSL 1.0", to_newer},
    {"1.0.0", "OpenSSL 1.0", to_newer}, {"1.0.1", "OpenSSL 1.0", to_newer},
    {"1.0.2", "OpenSSL 1.0", to_newer},
};

static struct tls_library identify_line(const char *version)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (strcmp(version, lines[i].name) == 0)
            return (struct tls_library){lines[i].advice == NULL ? TLS_GOVERNED : TLS_OTHER, lines[i].words,
                                        lines[i].advice};
    }
    /* LibreSSL counts by itself: it was at 32 in 2015, and at 60 in 2025. */
    if ((version[0] >= '3' && version[0] <= '9') && isdigit((unsigned char)version[1]))
        return (struct tls_library){TLS_OTHER, "LibreSSL", to_openssl};
    return (struct tls_library){TLS_UNKNOWN, "of a line that is not known to be OpenSSL 1.1.1 to 4",
                                to_newer};
}

struct tls_library tls_identify(const char *name)
{
    static const char libssl[] = "libssl.so";
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t length = strlen(others[i].name);
        if (strncmp(base, others[i].name, length) == 0 && (base[length] == '\0' || base[length] == '.'))
            return (struct tls_library){TLS_OTHER, others[i].words, others[i].advice};
    }
    if (strncmp(base, libssl, sizeof libssl - 1) == 0) {
        const char *version = base + sizeof libssl - 1;
        if (*version == '\0' || *version == '.')
            return identify_line(*version == '.' ? version + 1 : version);
    }
    return (struct tls_library){TLS_NONE, NULL, NULL};
}
