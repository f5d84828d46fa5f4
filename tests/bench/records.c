/*
 * bench_records POLICY COUNT: writes COUNT certificates, each another one, to the store of a policy, and
 * prints the ids of their records. In one process, where `tlsgraft cert add` would be so many.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "policy/store.h"

enum { SECONDS = 30 * 86400, DIGEST = 32, ID_SIZE = RECORD_ID_MAX + 1, PATH_SIZE = 4096 };

static void die(const char *what)
{
    fprintf(stderr, "bench_records: %s\n", what);
    exit(1);
}

static void say(void *context, enum config_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    fprintf(stderr, "%s\n", text);
}

static X509 *make(EVP_PKEY *key, long number)
{
    char name[64];
    snprintf(name, sizeof name, "record %ld", number);
    X509 *certificate = X509_new();
    if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), number + 1) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), SECONDS) == NULL ||
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                   (const unsigned char *)name, -1, -1, 0) != 1 ||
        X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
        X509_set_pubkey(certificate, key) != 1 || X509_sign(certificate, key, EVP_sha256()) == 0)
        die("no certificate");
    return certificate;
}

static void identify(const struct policy *policy, const X509 *certificate, char id[ID_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1 || length != DIGEST)
        die("no digest");
    int end = snprintf(id, ID_SIZE - 2 * DIGEST, "%s", policy->organisation);
    for (unsigned i = 0; i < length; i++)
        end += snprintf(id + end, 3, "%02x", digest[i]);
}

/* What store_write() leaves; it looks at the whole directory each time, and syncs, which would take a minute.
 */
static void write_file(const char *directory, const char *id, const char *text, size_t length)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s.pem", directory, id);
    FILE *file = fopen(path, "wxe");
    if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0)
        die("a record cannot be written");
}

static void store(const struct policy *policy, X509 *certificate)
{
    char id[ID_SIZE];
    char why[STORE_WHY_SIZE] = "";
    char *text = NULL;
    BIO *memory = BIO_new(BIO_s_mem());
    if (memory == NULL || PEM_write_bio_X509(memory, certificate) != 1)
        die("no PEM");
    long length = BIO_get_mem_data(memory, &text);
    identify(policy, certificate, id);
    if (policy->store.type == STORE_DIRECTORY)
        write_file(policy->store.path, id, text, (size_t)length);
    else if (store_write(&policy->store, policy->organisation, id, text, (size_t)length, false, NULL, why) !=
             STORE_DONE)
        die(why);
    puts(id);
    BIO_free(memory);
}

int main(int argc, char **argv)
{
    const struct config_report report = {.say = say};
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (count < 1)
        die("usage: bench_records POLICY COUNT");
    struct policy *policy = config_load(argv[1], getenv, &report, NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (policy == NULL || key == NULL)
        die("no policy, or no key");
    for (long i = 0; i < count; i++) {
        X509 *certificate = make(key, i);
        store(policy, certificate);
        X509_free(certificate);
    }
    EVP_PKEY_free(key);
    policy_free(policy);
    return 0;
}
