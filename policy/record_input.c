#include "policy/record_input.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/der.h"
#include "policy/text.h"

static const char allowed[] = "a certificate, a certificate with its private key, or a public key, in PEM";

bool record_input_refuse(const struct record_upload *upload, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(upload->why, upload->size, format, arguments);
    va_end(arguments);
    text_for_terminal(upload->why);
    return false;
}

const char *record_input_file(const struct record_upload *upload)
{
    const char *name = upload->input->name;
    if (name == NULL || strcmp(name, "-") == 0 || strchr(name, '\'') != NULL)
        return "FILE";
    return name;
}

/* What else a file may hold, and the command of openssl that makes what is allowed of it. */
struct other {
    const char *label;
    const char *words;
    const char *command; /* without -in and -out; NULL: there is none, `words` say what to do */
};

static const struct other others[] = {
    {"CERTIFICATE REQUEST", "holds a certificate request; have it signed, and give the certificate", NULL},
    {"NEW CERTIFICATE REQUEST", "holds a certificate request; have it signed, and give the certificate",
     NULL},
    {"PKCS7", "holds certificates in PKCS #7", "pkcs7 -print_certs"},
    {"CMS", "holds certificates in CMS", "pkcs7 -print_certs"},
    {"RSA PUBLIC KEY", "holds an RSA PUBLIC KEY block, where PUBLIC KEY is allowed",
     "rsa -RSAPublicKey_in -pubout"},
    {"X509 CRL", "holds a revocation list; give the certificate itself", NULL},
};

static const struct other *find_other(const char *label)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(others[i].label, label) == 0)
            return &others[i];
    }
    return NULL;
}

static bool refuse_other(const struct record_upload *upload, const struct other *other)
{
    const char *file = record_input_file(upload);
    if (other->command == NULL)
        return record_input_refuse(upload, "%s", other->words);
    return record_input_refuse(upload, "%s; make PEM of it: openssl %s -in '%s' -out '%s.pem'", other->words,
                               other->command, file, file);
}

/* To leave out a certificate of a chain would change what it says; the command keeps all, and the key. */
static bool refuse_trusted(const struct record_upload *upload)
{
    static const char mark[] = "PRIVATE KEY-----";
    static const char words[] =
        "holds a TRUSTED CERTIFICATE block, which only OpenSSL knows; make PEM of it:";
    const struct record_input *input = upload->input;
    const char *file = record_input_file(upload);
    if (memmem(input->text, input->length, mark, strlen(mark)) == NULL)
        return record_input_refuse(
            upload, "%s openssl crl2pkcs7 -nocrl -certfile '%s' | openssl pkcs7 -print_certs -out '%s.pem'",
            words, file, file);
    return record_input_refuse(upload,
                               "%s (umask 077; { openssl crl2pkcs7 -nocrl -certfile '%s' | openssl pkcs7 "
                               "-print_certs && openssl pkey -in '%s'; } > '%s.pem')",
                               words, file, file, file);
}

static bool refuse_der(const struct record_upload *upload, enum der_kind kind)
{
    static const struct other kinds[] = {
        [DER_CERTIFICATE] = {NULL, "is a certificate in DER", "x509 -inform DER"},
        [DER_PUBLIC_KEY] = {NULL, "is a public key in DER", "pkey -pubin -inform DER"},
        [DER_PRIVATE_KEY] = {NULL, "is a private key in DER, without its certificate", "pkey -inform DER"},
        [DER_ENCRYPTED_KEY] = {NULL, "is an encrypted private key in DER, without its certificate",
                               "pkcs8 -inform DER"},
        [DER_PKCS7] = {NULL, "holds certificates in PKCS #7, in DER", "pkcs7 -inform DER -print_certs"},
        [DER_PKCS12] = {NULL, "is PKCS #12", "pkcs12 -nodes"},
    };
    return refuse_other(upload, &kinds[kind]);
}

/* What can be seen before there is any block. */
static bool look(const struct record_upload *upload)
{
    const struct record_input *input = upload->input;
    if (input->length == 0)
        return record_input_refuse(upload, "is empty; give %s", allowed);
    if (input->length > RECORD_TEXT_MAX)
        return record_input_refuse(
            upload, "is longer than 1 MiB; give one certificate with its chain and its private "
                    "key, and not a bundle of CAs");
    enum der_kind kind = der_kind(input->text, input->length);
    if (kind != DER_NOT)
        return refuse_der(upload, kind);
    if (memchr(input->text, '\0', input->length) != NULL)
        return record_input_refuse(upload, "has a NUL byte in it, so it is no text; give %s", allowed);
    return true;
}

/* NULL: none that says what it is. */
static bool refuse_nothing(const struct record_upload *upload, const char *label)
{
    const struct record_input *input = upload->input;
    const char *file = record_input_file(upload);
    const struct other *other = label[0] == '\0' ? NULL : find_other(label);
    if (upload->private_key_count > 0)
        return record_input_refuse(
            upload, "holds a private key alone; give it behind its certificate: cat CERTIFICATE '%s'", file);
    if (other != NULL)
        return refuse_other(upload, other);
    if (label[0] != '\0')
        return record_input_refuse(upload, "holds no certificate and no public key, but %s; give %s", label,
                                   allowed);
    if (memmem(input->text, input->length, "-----BEGIN ", strlen("-----BEGIN ")) != NULL)
        return record_input_refuse(upload, "has a BEGIN line that is indented, quoted or cut off; give it "
                                           "with the dashes at the beginning and the end of the line");
    return record_input_refuse(upload, "holds no PEM block; give %s", allowed);
}

/* Do these kinds of blocks go together? `label`: the first that is of no use, or "". */
static bool check(const struct record_upload *upload, const char *label)
{
    size_t certificates = upload->certificate_count;
    size_t public_keys = upload->public_key_count;
    if (upload->private_key_count > 1)
        return record_input_refuse(
            upload, "holds more than one private key; keep the one that belongs to the first certificate");
    if (certificates > 0 && public_keys > 0)
        return record_input_refuse(upload, "holds a public key and a certificate together; give each in a "
                                           "file of its own, the certificate is enough to pin its key");
    if (public_keys > 1)
        return record_input_refuse(
            upload, "holds several public keys, of which a record keeps one; give each in a file of its own");
    if (public_keys > 0 && upload->private_key_count > 0)
        return record_input_refuse(upload, "holds a private key with a public key, where a certificate is "
                                           "allowed; give the public key alone");
    if (certificates == 0 && public_keys == 0)
        return refuse_nothing(upload, label);
    return true;
}

static void count(struct record_upload *upload, const struct pem_block *block, char label[PEM_LABEL_SIZE])
{
    if (ossl_is_certificate_block(block->label)) {
        upload->certificate_count++;
    } else if (strcmp(block->label, "PUBLIC KEY") == 0) {
        upload->public_key_count++;
    } else if (pem_is_private_key(block)) {
        if (upload->private_key_count++ == 0)
            upload->private_key = *block;
    } else if (label[0] == '\0') {
        memcpy(label, block->label, PEM_LABEL_SIZE);
    }
}

bool record_input_survey(struct record_upload *upload)
{
    struct pem_text rest;
    struct pem_block block;
    enum pem_result result;
    char label[PEM_LABEL_SIZE] = "";
    if (!look(upload))
        return false;
    pem_begin(&rest, upload->input->text, upload->input->length);
    while ((result = pem_next(&rest, &block)) == PEM_BLOCK) {
        if (strcmp(block.label, "TRUSTED CERTIFICATE") == 0)
            return refuse_trusted(upload);
        count(upload, &block, label);
    }
    if (result == PEM_BROKEN)
        return record_input_refuse(upload,
                                   "is cut off: the %s block at line %u has no END line of its own; copy the "
                                   "whole file again",
                                   block.label, block.line);
    return check(upload, label);
}
