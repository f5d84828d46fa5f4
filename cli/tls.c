#include "cli/tls.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

struct row {
    const char *name; /* of the file, up to its version */
    struct tls_library library;
};

/* NSS is two libraries, and its libssl3.so is not OpenSSL's libssl.so.3. */
static const struct row others[] = {
    {"libgnutls.so", {TLS_OTHER, "GnuTLS"}},   {"libnss3.so", {TLS_OTHER, "NSS"}},
    {"libssl3.so", {TLS_OTHER, "NSS"}},        {"libmbedtls.so", {TLS_OTHER, "mbedTLS"}},
    {"libwolfssl.so", {TLS_OTHER, "wolfSSL"}}, {"libs2n.so", {TLS_OTHER, "s2n"}},
    {"libtls.so", {TLS_OTHER, "LibreSSL"}},
};

/* What stands after "libssl.so.". */
static const struct row lines[] = {
    {"1.1", {TLS_GOVERNED, "OpenSSL 1.1.1"}}, {"3", {TLS_GOVERNED, "OpenSSL 3"}},
    {"4", {TLS_GOVERNED, "OpenSSL 4"}},       {"10", {TLS_OTHER, "OpenSSL 1.0"}},
    {"1.0.0", {TLS_OTHER, "OpenSSL 1.0"}},    {"1.0.1", {TLS_OTHER, "OpenSSL 1.0"}},
    {"1.0.2", {TLS_OTHER, "OpenSSL 1.0"}},
};

static struct tls_library identify_line(const char *version)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (strcmp(version, lines[i].name) == 0)
            return lines[i].library;
    }
    /* LibreSSL counts by itself: it was at 32 in 2015, and at 60 in 2025. */
    if ((version[0] >= '3' && version[0] <= '9') && isdigit((unsigned char)version[1]))
        return (struct tls_library){TLS_OTHER, "LibreSSL"};
    return (struct tls_library){TLS_UNKNOWN, "of a line that is not known to be OpenSSL 1.1.1 to 4"};
}

struct tls_library tls_identify(const char *name)
{
    static const char libssl[] = "libssl.so";
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t length = strlen(others[i].name);
        if (strncmp(base, others[i].name, length) == 0 && (base[length] == '\0' || base[length] == '.'))
            return others[i].library;
    }
    if (strncmp(base, libssl, sizeof libssl - 1) == 0) {
        const char *version = base + sizeof libssl - 1;
        if (*version == '\0' || *version == '.')
            return identify_line(*version == '.' ? version + 1 : version);
    }
    return (struct tls_library){TLS_NONE, NULL};
}
