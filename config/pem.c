#include "config/pem.h"

#include <stdbool.h>
#include <string.h>

#include "policy/text.h"

/* ITU-T X.690: the tags by which DER begins. */
enum { DER_INTEGER = 0x02, DER_OID = 0x06, DER_SEQUENCE = 0x30 };

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

/* Where the content of the DER element at `at` starts; 0: beyond the end. */
static size_t der_content(const unsigned char *der, size_t length, size_t at)
{
    if (length < 2 || at > length - 2)
        return 0;
    size_t content = at + 2 + ((der[at + 1] & 0x80) != 0 ? der[at + 1] & 0x7fU : 0U);
    return content < length ? content : 0;
}

/* A text may begin with the digit 0 too, but not go on so. */
static bool is_der(const unsigned char *der, size_t length)
{
    enum { LOOKED_AT = 8 };
    for (size_t i = 1; i < length && i < LOOKED_AT && der[0] == DER_SEQUENCE; i++) {
        if (der[i] == '\0' || der[i] >= 0x80 || (der[i] < ' ' && strchr("\t\r\n", der[i]) == NULL))
            return true;
    }
    return false;
}

/*
 * By how it begins: a SubjectPublicKeyInfo with a SEQUENCE whose first element is an OID; a private key with
 * its version, 0 or 1; PKCS #12 with version 3; anything else is taken for a certificate.
 */
static struct other der_kind(const unsigned char *der, size_t length)
{
    size_t first = der_content(der, length, 0);
    size_t second = der_content(der, length, first);
    if (first != 0 && der[first] == DER_INTEGER && second != 0)
        return der[second] == 3
                   ? (struct other){"", "is PKCS #12; allowed is PEM", "openssl pkcs12 -nokeys"}
                   : (struct other){"", "is a private key in DER; allowed is the public key in PEM",
                                    "openssl pkey -inform DER -pubout"};
    if (first != 0 && der[first] == DER_SEQUENCE && second != 0 && der[second] == DER_OID)
        return (struct other){"", "is DER; allowed is PEM", "openssl pkey -pubin -inform DER"};
    return (struct other){"", "is DER; allowed is PEM", "openssl x509 -inform DER"};
}

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
    const unsigned char *bytes = (const unsigned char *)text;
    if (length == 0)
        return "is empty, and holds no PEM block; allowed is a PUBLIC KEY or a CERTIFICATE in PEM";
    if (is_der(bytes, length) && strstr(text, "-----BEGIN ") == NULL) {
        struct other der = der_kind(bytes, length);
        return say(arena, &der, path);
    }
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
