#include "config/pem.h"

#include <stdbool.h>
#include <string.h>

#include "policy/der.h"
#include "policy/text.h"

/* What is not PEM, or another kind of it, and the command that makes a public key or a certificate of it. */
struct other {
    const char *mark; /* in the text; NULL: the end of the list */
    const char *words;
    const char *command; /* without the names of the files */
};

static const struct other others[] = {
    {"-----BEGIN OPENSSH PRIVATE KEY-----",
     "holds a private key as OpenSSH writes it; allowed is the public key alone, of RSA or ECDSA",
     "ssh-keygen -e -m PKCS8"},
    {"PRIVATE KEY-----", "holds a private key; allowed is the public key alone", "openssl pkey -pubout"},
    {"-----BEGIN RSA PUBLIC KEY-----", "holds an RSA PUBLIC KEY block; allowed is PUBLIC KEY",
     "openssl rsa -RSAPublicKey_in -pubout"},
    {NULL, NULL, NULL},
};

/* Of these there may be some beside what is allowed. */
static const struct other alone[] = {
    {"CERTIFICATE REQUEST-----", "holds a certificate request; allowed is the public key in it",
     "openssl req -noout -pubkey"},
    {"-----BEGIN TRUSTED CERTIFICATE-----", "holds a TRUSTED CERTIFICATE block; allowed is CERTIFICATE",
     "openssl x509"},
    {"-----BEGIN PKCS7-----", "holds certificates in PKCS #7; allowed is PEM", "openssl pkcs7 -print_certs"},
    {NULL, NULL, NULL},
};

/* By what begins so; DER_NOT is none of these. */
static const struct other ders[] = {
    [DER_CERTIFICATE] = {"", "is DER; allowed is PEM", "openssl x509 -inform DER"},
    [DER_PUBLIC_KEY] = {"", "is DER; allowed is PEM", "openssl pkey -pubin -inform DER"},
    [DER_PRIVATE_KEY] = {"", "is a private key in DER; allowed is the public key in PEM",
                         "openssl pkey -inform DER -pubout"},
    [DER_ENCRYPTED_KEY] = {"", "is a private key in DER; allowed is the public key in PEM",
                           "openssl pkey -inform DER -pubout"},
    [DER_PKCS7] = {"", "is PKCS #7; allowed is PEM", "openssl pkcs7 -inform DER -print_certs"},
    [DER_PKCS12] = {"", "is PKCS #12; allowed is PEM", "openssl pkcs12 -nokeys"},
};

const char *pem_made_by(struct arena *arena, const char *words, const char *command, const char *path)
{
    bool ssh = strncmp(command, "ssh-keygen", strlen("ssh-keygen")) == 0;
    if (path == NULL)
        return arena_printf(arena, "%s, made by: %s", words, command);
    const char *made = arena_printf(arena, "%s.pem", path);
    const char *in = text_for_shell(arena, path);
    const char *out = made == NULL ? NULL : text_for_shell(arena, made);
    if (in == NULL || out == NULL)
        return words;
    return arena_printf(arena, "%s, made by: %s %s %s %s %s", words, command, ssh ? "-f" : "-in", in,
                        ssh ? ">" : "-out", out);
}

static const char *say(struct arena *arena, const struct other *other, const char *path)
{
    if (other->command == NULL)
        return other->words;
    const char *said = pem_made_by(arena, other->words, other->command, path);
    /* Without memory too, what is wrong must not pass for nothing. */
    return said != NULL ? said : other->words;
}

static const struct other *find(const struct other *list, const char *text)
{
    while (list->mark != NULL && strstr(text, list->mark) == NULL)
        list++;
    return list->mark != NULL ? list : NULL;
}

const char *pem_fault(struct arena *arena, const char *text, size_t length, const char *path)
{
    enum der_kind der = der_kind(text, length);
    if (length == 0)
        return "is empty, and holds no PEM block; allowed is a PUBLIC KEY or a CERTIFICATE in PEM";
    if (der != DER_NOT && strstr(text, "-----BEGIN ") == NULL)
        return say(arena, &ders[der], path);
    if (memchr(text, '\0', length) != NULL)
        return "has a NUL byte; allowed is PEM text";
    if (strstr(text, "-----BEGIN ") == NULL)
        return "holds no PEM block; allowed is a PUBLIC KEY or a CERTIFICATE in PEM";
    const struct other *other = find(others, text);
    if (other == NULL && strstr(text, "-----BEGIN CERTIFICATE-----") == NULL &&
        strstr(text, "-----BEGIN X509 CERTIFICATE-----") == NULL &&
        strstr(text, "-----BEGIN PUBLIC KEY-----") == NULL)
        other = find(alone, text);
    return other == NULL ? NULL : say(arena, other, path);
}
