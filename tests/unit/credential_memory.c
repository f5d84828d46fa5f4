/*
 * No private key is left in a block that is freed: keys of every form are read while each block that our code
 * frees is searched for the key's DER and for its base64. It is linked with --wrap, which sees our calls and
 * not those of OpenSSL.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/credentials.h"
#include "policy/record_pem.h"
#include "tests/unit/support.h"

void __real_free(void *block);
void *__real_realloc(void *old, size_t size);
void __wrap_free(void *block);
void *__wrap_realloc(void *old, size_t size);

enum { WINDOW = 16, TEXT_SIZE = 16384, LINE = 64, LINE_BYTES = 48 };

/* What is looked for: any window of the private part of the DER, at these steps; and of a line of its base64.
 */
static unsigned char der[4096];
static size_t der_length, der_step;
static char base64[LINE];
static bool is_watching;
static unsigned found, searched;

static bool has_window(const void *block, size_t size, const void *wanted, size_t length, size_t step)
{
    for (size_t i = 0; i + WINDOW <= length; i += step) {
        if (memmem(block, size, (const char *)wanted + i, WINDOW) != NULL)
            return true;
    }
    return false;
}

static void search(void *block)
{
    if (!is_watching || block == NULL)
        return;
    size_t size = malloc_usable_size(block);
    searched++;
    found +=
        has_window(block, size, der, der_length, der_step) || has_window(block, size, base64, LINE, WINDOW);
}

void __wrap_free(void *block)
{
    search(block);
    __real_free(block);
}

/* It may move the block, and leave the old one as it was. */
void *__wrap_realloc(void *old, size_t size)
{
    search(old);
    return __real_realloc(old, size);
}

/* A file of tests/vectors, in a static buffer of two. */
static const char *vector(const char *name)
{
    static char texts[2][TEXT_SIZE];
    static unsigned next;
    char path[512];
    char *text = texts[next++ % 2];
    snprintf(path, sizeof path, "%s/%s", TLSGRAFT_VECTORS, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        abort();
    text[fread(text, 1, TEXT_SIZE - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* What is to be looked for, of the key in a text: `from` to `to` (0: the end) of its DER are private. */
static bool watch_for(const char *text, size_t from, size_t to)
{
    struct pem_text rest;
    struct pem_block block;
    unsigned char *data;
    size_t length;
    pem_begin(&rest, text, strlen(text));
    do {
        if (pem_next(&rest, &block) != PEM_BLOCK)
            return false;
    } while (!pem_is_private_key(&block));
    if (pem_decode(crypto_table(), &block, &data, &length) != PEM_DECODED)
        return false;
    der_length = (to == 0 ? length : to) - from;
    der_step = der_length > 64 ? WINDOW / 2 : 1;
    memcpy(der, data + from, der_length);
    free(data);
    /* A line that begins before the private part has some of it; of a long part the next one. */
    memcpy(base64, block.body + (from / LINE_BYTES + (to == 0)) * (LINE + 1), LINE);
    return memchr(base64, '\n', LINE) == NULL;
}

static enum credential_fault acquire(const struct policy *policy, const char *secret)
{
    enum credential_fault fault = CREDENTIAL_UNREADABLE;
    char why[CREDENTIAL_WHY_SIZE];
    const struct candidate *candidate = policy->upstream_rules[0]->candidates;
    struct policy *changed = (struct policy *)policy;
    const struct secret own = policy->secret;
    if (secret != NULL)
        changed->secret = (struct secret){secret, strlen(secret)};
    for (int handshakes = 0; handshakes < 2; handshakes++) {
        struct records_wait wait = {0};
        if (candidate->kind == CANDIDATE_ID)
            records_fetch_within(policy->records, crypto_table(), &candidate->name, 1, &wait);
        credential_release(credential_acquire(policy, crypto_table(), candidate, &fault, why));
    }
    changed->secret = own;
    return fault;
}

/* A policy with this candidate is loaded, used, and read again. `secret` NULL: its own, which is right. */
static bool holds(const char *name, const char *candidate, const char *secret, enum credential_fault expected)
{
    static char text[TEXT_SIZE];
    snprintf(text, sizeof text,
             "version = 1; store: { path = \"%s\"; cache_seconds = 0; }; security: { "
             "private_certificate_encoding_secret = \"352d20ee67be67f6340b4c0605b044b7\"; "
             "upstream_certificates = ( { domain = \"*\"; certificate = \"%s\"; } ); };",
             directory.path, candidate);
    const char *path = directory_text(&directory, "policy.cfg", text);
    found = searched = 0;
    is_watching = true;
    struct policy *policy = load_file(path, &findings);
    struct policy *next = load_file(path, &findings);
    bool passed = policy != NULL && next != NULL && acquire(policy, secret) == expected;
    policy_free(policy);
    passed = passed && acquire(next, secret) == expected;
    policy_free(next);
    is_watching = false;
    passed = passed && found == 0 && searched > 0;
    printf("%s: %u blocks, %u with the key%s\n", name, searched, found, passed ? "" : ": FAILED");
    if (policy == NULL)
        printf("%s\n", findings.text);
    return passed;
}

#define ORGANISATION "5e9d9544a1dcd60001d0ed20"
#define RSA          ORGANISATION "379edd0d5091ef6de8905ae001bf35bf6a50766858309d7554d91ee19530f7ed"
#define EC           ORGANISATION "821e62db3ea2a4975c624032683fd6a2683c617bfce130dd22c3535b72b3c537"
#define CHAIN        ORGANISATION "600a3b67b11e0882b7420a98de823b3698b5e7c970c1b6e4fdfea00042d2e7b1"

int main(void)
{
    static const struct {
        const char *name, *id, *input, *stored;
        size_t from, to; /* PKCS #1 of 2048 bits: the private exponent, and all behind it. Else the scalar */
    } vectors[] = {
        {"RSA", RSA, "rsa_pkcs1.in.pem", "rsa_pkcs1.stored.pem", 280, 0},
        {"EC", EC, "ec_p256_sec1.in.pem", "ec_p256_sec1.stored.pem", 7, 39},
        {"with its chain", CHAIN, "chain_with_key.in.pem", "chain_with_key.stored.pem", 36, 68},
    };
    bool passed = true;
    directory_make(&directory);
    crypto_table();
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s.pem", vectors[i].id);
        printf("%s\n", vectors[i].name);
        const char *plain = vector(vectors[i].input);
        passed = watch_for(plain, vectors[i].from, vectors[i].to) && passed;
        directory_text(&directory, name, vector(vectors[i].stored));
        directory_text(&directory, "plain.pem", plain);
        passed = holds("  record", vectors[i].id, NULL, CREDENTIAL_READY) && passed;
        passed = holds("  wrong secret", vectors[i].id, "x", CREDENTIAL_WRONG_SECRET) && passed;
        passed = holds("  plain file", "plain.pem", NULL, CREDENTIAL_READY) && passed;
        directory_text(&directory, name, plain);
        passed = holds("  plain record", vectors[i].id, NULL, CREDENTIAL_READY) && passed;
    }
    directory_remove(&directory);
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
