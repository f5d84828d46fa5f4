/*
 * No private key, and no secret, is left in a block that is freed: policies that hold them are loaded,
 * refused and freed, and records read, while each block is searched when it is freed. It is linked with
 * --wrap.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/credentials.h"
#include "tests/unit/redis.h"
#include "tests/unit/support.h"

/* Of P-256, made for this test: a certificate of 2026 to 2126, and its key. A part of that is looked for. */
#define CERTIFICATE                                                                                          \
    "-----BEGIN CERTIFICATE-----\n"                                                                          \
    "MIIBbjCCARWgAwIBAgIUTHxvYklNdjLMYdw++SvS/bYP/VkwCgYIKoZIzj0EAwIw\n"                                     \
    "DDEKMAgGA1UEAwwBdzAgFw0yNjExMjIwOTU5MjZaGA8yMTI2MTAyOTA5NTkyNlow\n"                                     \
    "DDEKMAgGA1UEAwwBdzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOA6HO54ZL5r\n"                                     \
    "bGnYnKwPJbrU8L/66jcbWOz8GsbGfXb0svHZgS92zKjHEufLvoA0BkqNVwr/v4Hx\n"                                     \
    "ZUPsMQvavkSjUzBRMB0GA1UdDgQWBBTupZBsqpkQJok68svVjqIpKn44mTAfBgNV\n"                                     \
    "HSMEGDAWgBTupZBsqpkQJok68svVjqIpKn44mTAPBgNVHRMBAf8EBTADAQH/MAoG\n"                                     \
    "CCqGSM49BAMCA0cAMEQCIFGC/ervkmFh07v7PNMtVuCB8xEiv+immJCcIgoZ36Km\n"                                     \
    "AiA7FJ6uXqt1igToJDoX+wVEqCzg/r+7hPbNWyvKtP8rJQ==\n"                                                     \
    "-----END CERTIFICATE-----\n"
#define KEY_LINE "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguOoQjAv3RIpeqpGZ"
#define KEY                                                                                                  \
    "-----BEGIN PRIVATE KEY-----\n" KEY_LINE                                                                 \
    "\nTpmexuIa8cclAqSkCZMlQW3QfkehRANCAATgOhzueGS+a2xp2JysDyW61PC/+uo3\nG1js/"                              \
    "BrGxn129LLx2YEvdsyoxxLny76ANAZKjVcK/7+B8WVD7DEL2r5E\n-----END PRIVATE KEY-----\n"
#define ID       "aa944a0fd4911f155e073af076397dbe4e3e25b73bc3a051a10fba890d6d716a"
#define SECRET   "hush hush, my secret"
#define PASSWORD "hush-hush-my-password"

void __real_free(void *block);
void *__real_realloc(void *old, size_t size);
void __wrap_free(void *block);
void *__wrap_realloc(void *old, size_t size);

static const char *volatile wanted; /* NULL: nothing is looked for */
static unsigned left_behind;
static size_t blocks_seen;

static void look(const void *block)
{
    size_t size = malloc_usable_size((void *)block);
    if (wanted == NULL)
        return;
    blocks_seen++;
    left_behind += memmem(block, size, wanted, strlen(wanted)) != NULL;
}

void __wrap_free(void *block)
{
    if (block != NULL)
        look(block);
    __real_free(block);
}

/* It may free the old block. */
void *__wrap_realloc(void *old, size_t size)
{
    if (old != NULL)
        look(old);
    return __real_realloc(old, size);
}

/* The certificate of the first candidate, as in a handshake. */
static bool acquire(const struct policy *policy)
{
    const char *id = ID;
    char why[CREDENTIAL_WHY_SIZE];
    enum credential_fault fault;
    if (policy->records != NULL)
        records_fetch(policy->records, crypto_table(), &id, 1, 0);
    const struct credential *credential =
        credential_acquire(policy, crypto_table(), &policy->upstream_rules[0]->candidates[0], &fault, why);
    if (credential == NULL)
        printf("%s\n", why);
    credential_release(credential);
    return credential != NULL;
}

/* Loads and frees a policy. Is it taken or refused as it should be, and is nothing left of `text`? */
static bool holds(const char *name, const char *policy_text, bool valid, const char *text)
{
    const char *path = directory_text(&directory, "policy.cfg", policy_text);
    left_behind = 0;
    blocks_seen = 0;
    wanted = text;
    struct policy *policy = load_file(path, &findings);
    bool usable = policy != NULL && (policy->upstream_rule_count == 0 || acquire(policy));
    policy_free(policy);
    wanted = NULL;
    bool passed = usable == valid && left_behind == 0 && blocks_seen > 0;
    printf("%s: %zu blocks, %u with it%s\n", name, blocks_seen, left_behind, passed ? "" : ": FAILED");
    if (usable != valid)
        printf("%s\n", findings.text);
    return passed;
}

#define UPSTREAM(certificate, more)                                                                          \
    "version = 1; " more                                                                                     \
    "security: { upstream_certificates = ( { domain = \"a\"; certificate = \"" certificate "\"; } ); };"

/* The certificates behind the key come in more than one piece, so buffers grow with the key in them. */
static const char *long_record(void)
{
    enum { MORE = 12 };
    static char record[(MORE + 2) * sizeof CERTIFICATE] = CERTIFICATE KEY;
    while (strlen(record) + sizeof CERTIFICATE <= sizeof record)
        strcat(record, CERTIFICATE);
    return record;
}

static bool is_listed(void *context, const struct store_listed *listed)
{
    *(unsigned *)context += listed->result == STORE_DONE && strstr(listed->text, KEY_LINE) != NULL;
    return true;
}

/* The record is read, listed, and replaced by itself. */
static bool wipes(const char *name, const struct store_settings *store, const char *record)
{
    const char *id = ID;
    char why[STORE_WHY_SIZE] = "";
    unsigned listed = 0;
    enum store_result result;
    struct store_text text;
    left_behind = 0;
    blocks_seen = 0;
    wanted = KEY_LINE;
    store_read(store, &id, 1, 5000, &result, &text, why);
    bool done = result == STORE_DONE &&
                store_write(store, "", ID, record, strlen(record), true, &text, why) == STORE_DONE &&
                store_list(store, "", is_listed, &listed, why) == STORE_DONE && listed == 1;
    store_text_free(&text);
    wanted = NULL;
    bool passed = done && left_behind == 0 && blocks_seen > 0;
    printf("%s: %zu blocks, %u with it%s %s\n", name, blocks_seen, left_behind, passed ? "" : ": FAILED",
           why);
    return passed;
}

static bool holds_from_redis(void)
{
    char words[256], policy[512];
    struct redis redis;
    redis_start(&redis, PASSWORD);
    snprintf(words, sizeof words, "-x set cert-raw-" ID " < %s",
             directory_text(&directory, "record", long_record()));
    redis_cli(&redis, words);
    directory_text(&directory, "password", PASSWORD "\n");
    snprintf(
        policy, sizeof policy,
        UPSTREAM(ID, "store: { type = \"redis\"; address = \"unix:%s\"; password_file = \"password\"; }; "),
        redis.socket);
    bool passed = holds("record in Redis", policy, true, KEY_LINE);
    passed = holds("password of Redis", policy, true, PASSWORD) && passed;
    const struct store_settings store = redis_by_socket(&redis);
    passed = wipes("store, Redis", &store, long_record()) && passed;
    redis_stop(&redis);
    return passed;
}

int main(void)
{
    char store[256];
    directory_make(&directory);
    directory_text(&directory, "x.pem", CERTIFICATE KEY);
    directory_text(&directory, ID ".pem", CERTIFICATE KEY);
    directory_text(&directory, "secret", SECRET "\n");
    snprintf(store, sizeof store, UPSTREAM(ID, "store: { path = \"%s\"; }; "), directory.path);
    crypto_table();
    bool passed = holds("file", UPSTREAM("x.pem", ""), true, KEY_LINE);
    passed = holds("in place", UPSTREAM(CERTIFICATE KEY, ""), true, KEY_LINE) && passed;
    passed = holds("refused", UPSTREAM("x.pem", "unknown = 1; "), false, KEY_LINE) && passed;
    passed =
        holds("in place, refused", UPSTREAM(CERTIFICATE KEY, "unknown = 1; "), false, KEY_LINE) && passed;
    passed = holds("in place, cut off", UPSTREAM(CERTIFICATE KEY, "x = ("), false, KEY_LINE) && passed;
    passed = holds("two keys", UPSTREAM(CERTIFICATE KEY KEY, ""), false, KEY_LINE) && passed;
    passed = holds("record", store, true, KEY_LINE) && passed;
    passed = holds("secret in a file",
                   "version = 1; security: { private_certificate_encoding_secret_file = \"secret\"; };", true,
                   SECRET) &&
             passed;
    passed = holds("secret in place",
                   "version = 1; security: { private_certificate_encoding_secret = \"" SECRET "\"; };", true,
                   SECRET) &&
             passed;
    passed = holds("secret in place, cut off",
                   "version = 1; security: { private_certificate_encoding_secret = \"" SECRET "\"; ", false,
                   SECRET) &&
             passed;
    const struct store_settings in_directory = {.type = STORE_DIRECTORY, .path = directory.path};
    passed = wipes("store, directory", &in_directory, CERTIFICATE KEY) && passed;
    passed = holds_from_redis() && passed;
    directory_remove(&directory);
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
