#include "config/candidate_pem.h"

#include <string.h>

#include "config/pem.h"
#include "policy/der.h"
#include "policy/record_pem.h"
#include "policy/text.h"

#define ALLOWED "allowed is a certificate and behind it its private key, in PEM"

/* What is found in place of that, and the command that makes some of it. */
struct other {
    const char *label;   /* of a block; NULL: the end of the list */
    const char *words;   /* what was found; what is allowed */
    const char *command; /* without the names of the files; NULL: none */
    bool is_whole;       /* all of what is allowed is there, so all of it is to be kept: see say_whole() */
};

static const struct other others[] = {
    {"TRUSTED CERTIFICATE", "holds a TRUSTED CERTIFICATE block; allowed is CERTIFICATE, with its private key",
     NULL, true},
    {"OPENSSH PRIVATE KEY",
     "holds a private key as OpenSSH writes it; allowed is one of PKCS #8: change a copy of it with: "
     "ssh-keygen -p -m PKCS8 -f COPY",
     NULL, false},
    {NULL, NULL, NULL, false},
};

/* Of these there may be some beside what is allowed. */
static const struct other alone[] = {
    {"CERTIFICATE REQUEST",
     "holds a certificate request; have it signed, and write the certificate and its private key", NULL,
     false},
    {"NEW CERTIFICATE REQUEST",
     "holds a certificate request; have it signed, and write the certificate and its private key", NULL,
     false},
    {"PKCS7", "holds certificates in PKCS #7; allowed is PEM, with the private key behind",
     "openssl pkcs7 -print_certs", false},
    {"CMS", "holds certificates in CMS; allowed is PEM, with the private key behind",
     "openssl pkcs7 -print_certs", false},
    {NULL, NULL, NULL, false},
};

static const struct other encrypted = {"ENCRYPTED PRIVATE KEY",
                                       "holds a private key that is encrypted with a passphrase (PKCS #8), "
                                       "for which nobody is asked; allowed is "
                                       "the same without one",
                                       NULL, true};

/* By what begins so; DER_NOT is none of these. */
static const struct other ders[] = {
    [DER_CERTIFICATE] = {"", "is a certificate in DER; allowed is PEM, with the private key behind",
                         "openssl x509 -inform DER", false},
    [DER_PUBLIC_KEY] = {"", "is a public key in DER; " ALLOWED, NULL, false},
    [DER_PRIVATE_KEY] = {"", "is a private key in DER; allowed is PEM, with the certificate in front",
                         "openssl pkey -inform DER", false},
    [DER_ENCRYPTED_KEY] = {"",
                           "is an encrypted private key in DER; allowed is PEM without a passphrase, "
                           "with the certificate in front",
                           "openssl pkcs8 -inform DER", false},
    [DER_PKCS7] = {"", "is PKCS #7; allowed is PEM, with the private key behind",
                   "openssl pkcs7 -inform DER -print_certs", false},
    [DER_PKCS12] = {"", CANDIDATE_PKCS12, CANDIDATE_PKCS12_COMMAND, false},
};

/* Writes all certificates in their order, and the key, to a file that others cannot read. */
static const char *say_whole(struct arena *arena, const char *words, const char *path)
{
    const char *made = arena_printf(arena, "%s.pem", path);
    const char *in = text_for_shell(arena, path);
    const char *out = made == NULL ? NULL : text_for_shell(arena, made);
    if (in == NULL || out == NULL)
        return words;
    return arena_printf(arena,
                        "%s, made by: (umask 077; { openssl crl2pkcs7 -nocrl -certfile %s | openssl pkcs7 "
                        "-print_certs && openssl pkey -in %s; } > %s)",
                        words, in, in, out);
}

static const char *say(struct arena *arena, const struct other *other, const char *path)
{
    if (other->is_whole)
        return path == NULL ? other->words : say_whole(arena, other->words, path);
    const char *said = other->command == NULL ? NULL : pem_made_by(arena, other->words, other->command, path);
    /* Without memory too, what is wrong must not pass for nothing. */
    return said != NULL ? said : other->words;
}

static const struct other *find(const struct other *list, const char *label)
{
    while (list->label != NULL && strcmp(list->label, label) != 0)
        list++;
    return list->label != NULL ? list : NULL;
}

/* The blocks of a text. */
struct blocks {
    size_t all, certificates, private_keys, public_keys;
    const struct other *other; /* the first that is wrong, whatever stands beside it; NULL: none */
    const struct other *alone; /* the first that is wrong where there is no certificate */
};

static void count(struct blocks *blocks, const struct pem_block *block)
{
    const struct other *other = find(others, block->label);
    /* With DEK-Info it is what the store writes. */
    if (strcmp(block->label, encrypted.label) == 0 && !block->is_encrypted)
        other = &encrypted;
    blocks->all++;
    if (blocks->other == NULL)
        blocks->other = other;
    if (blocks->alone == NULL)
        blocks->alone = find(alone, block->label);
    blocks->certificates += ossl_is_certificate_block(block->label);
    blocks->private_keys += pem_is_private_key(block);
    blocks->public_keys += strcmp(block->label, "PUBLIC KEY") == 0;
}

/* Nothing parses but for certificates and private keys, so other labels are told apart no further. */
static const char *check(struct arena *arena, const struct blocks *blocks, const char *path)
{
    if (blocks->all == 0)
        return "has a BEGIN line that is indented, quoted or cut off; write it with the dashes at the "
               "beginning and the end of the line";
    if (blocks->other != NULL)
        return say(arena, blocks->other, path);
    if (blocks->certificates == 0 && blocks->alone != NULL)
        return say(arena, blocks->alone, path);
    if (blocks->private_keys > 1)
        return "holds more than one private key; keep the one that belongs to the first certificate";
    if (blocks->certificates > 0 && blocks->public_keys > 0)
        return "holds a certificate and a public key; take the public key out";
    if (blocks->certificates == 0 && blocks->private_keys > 0)
        return "holds a private key and no certificate; put its certificate in front of it, in the same file";
    if (blocks->certificates > 0 && blocks->private_keys == 0)
        return "holds a certificate and no private key; put the key behind it, in the same file";
    if (blocks->public_keys > 0)
        return "holds a public key alone; " ALLOWED;
    if (blocks->certificates == 0)
        return "holds no certificate and no private key; " ALLOWED;
    return NULL;
}

const char *candidate_pem_fault(struct arena *arena, const char *text, size_t length, const char *path,
                                bool *has_key)
{
    struct pem_text rest;
    struct pem_block block;
    struct blocks blocks = {0};
    enum pem_result result;
    enum der_kind der = der_kind(text, length);
    *has_key = false;
    if (length == 0)
        return "is empty; " ALLOWED;
    if (der != DER_NOT && strstr(text, "-----BEGIN ") == NULL)
        return say(arena, &ders[der], path);
    if (memchr(text, '\0', length) != NULL)
        return "has a NUL byte; allowed is PEM text";
    if (strstr(text, "-----BEGIN ") == NULL)
        return "holds no PEM block; " ALLOWED;
    pem_begin(&rest, text, length);
    while ((result = pem_next(&rest, &block)) == PEM_BLOCK)
        count(&blocks, &block);
    *has_key = blocks.private_keys > 0 || (result == PEM_BROKEN && pem_is_private_key(&block));
    if (result == PEM_BROKEN) {
        const char *fault = arena_printf(arena,
                                         "is cut off: its %s block at line %u has no END line of its own; "
                                         "copy the whole text again",
                                         block.label, block.line);
        return fault != NULL ? fault : "is cut off; copy the whole text again";
    }
    return check(arena, &blocks, path);
}
