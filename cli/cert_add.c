/* `tlsgraft cert add`: registers a certificate, one with its key, or a public key. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cert_store.h"
#include "cli/input.h"
#include "cli/message.h"
#include "policy/record.h"

struct wishes {
    const char *organisation; /* NULL: the policy's */
    bool replace;
};

static const char name[] = "cert add";

static int say_exists(const char *path, const char *id, const char *advice)
{
    message_error("%s: %s: Certificate with %s id already exists; %s", name, path, id, advice);
    return STATUS_NO;
}

/* A record without a key is completed; one that has a key stays. */
static int replace(const struct cert_store *store, const struct crypto *crypto, const char *path,
                   const char *organisation, const struct record_made *made)
{
    const char *ids[] = {made->id};
    enum store_result result;
    struct store_text there;
    char why[STORE_WHY_SIZE] = "";
    if (!made->has_private_key)
        return say_exists(path, made->id,
                          "--replace is for giving it its private key, so put that behind the certificate");
    store_read(store->settings, ids, 1, store->settings->timeout_ms, &result, &there, why);
    if (result == STORE_FAILED)
        return cert_store_say_failed(store, made->id, why);
    struct record *record = result == STORE_DONE ? record_parse(&crypto->ossl, made->id, there.text,
                                                                there.length, why, sizeof why)
                                                 : NULL;
    bool has_key = record != NULL && record_has_private_key(record);
    bool broken = result == STORE_DONE && record == NULL;
    record_free(record);
    free(there.text);
    if (has_key)
        return say_exists(path, made->id,
                          "it has its private key; to put another chain there, delete it before");
    if (broken) {
        message_error("%s: %s: Certificate with %s id already exists, and cannot be read: %s; delete it with "
                      "'tlsgraft cert delete --force %s'",
                      name, path, made->id, why, made->id);
        return STATUS_NO;
    }
    if (store_write(store->settings, organisation, made->id, made->text, made->length, true, true, why) ==
        STORE_DONE)
        return STATUS_DONE;
    return cert_store_say_failed(store, made->id, why);
}

static int write_record(const struct cert_store *store, const struct crypto *crypto, const char *path,
                        const struct wishes *wishes, const struct record_made *made)
{
    const char *organisation =
        wishes->organisation != NULL ? wishes->organisation : store->policy->organisation;
    char why[STORE_WHY_SIZE] = "";
    switch (store_write(store->settings, organisation, made->id, made->text, made->length,
                        made->has_private_key, false, why)) {
    case STORE_DONE:
        return STATUS_DONE;
    case STORE_EXISTS:
        break;
    default:
        return cert_store_say_failed(store, made->id, why);
    }
    return wishes->replace
               ? replace(store, crypto, path, organisation, made)
               : say_exists(path, made->id, "it is there for use under this id, so there is nothing to do");
}

static void warn(const struct cert_store *store, const char *path, const struct input *input,
                 const struct record_made *made)
{
    if (made->has_private_key && input->others_read)
        message_warning(
            "%s: %s: it has a private key, and anyone may read it; chmod 600 it, or remove it, and "
            "if others were here, have a new key made",
            name, path);
    if (made->is_ed25519 && store->settings->type == STORE_REDIS)
        message_warning("%s: %s: its key is Ed25519, which a Tyk Gateway on the same Redis stores and cannot "
                        "read; use RSA or EC if a gateway is to present it",
                        name, path);
}

static int add_input(const struct cert_store *store, const struct crypto *crypto, const char *path,
                     const struct wishes *wishes, const struct input *input)
{
    char why[1024] = "";
    struct record_made made;
    const struct policy *policy = store->policy;
    const struct record_input upload = {
        .text = input->data,
        .length = input->length,
        .organisation = wishes->organisation != NULL ? wishes->organisation : policy->organisation,
        .secret = policy->secret.data != NULL ? &policy->secret : NULL,
        .now = time(NULL),
        .name = path,
    };
    int status = STATUS_USAGE;
    if (record_make(&crypto->ossl, &upload, &made, why, sizeof why)) {
        status = write_record(store, crypto, path, wishes, &made);
        if (status == STATUS_DONE) {
            warn(store, path, input, &made);
            puts(made.id);
        }
    } else {
        message_error("%s: %s %s", name, strcmp(path, "-") == 0 ? "stdin" : path, why);
    }
    record_made_free(&made);
    return status;
}

static int add_file(const struct cert_store *store, const char *path, const struct wishes *wishes)
{
    struct crypto crypto;
    struct input input;
    int status = STATUS_SURROUNDINGS;
    if (!cert_store_crypto(name, &crypto))
        return status;
    if (input_read(path, RECORD_TEXT_MAX, &input))
        status = add_input(store, &crypto, path, wishes, &input);
    else
        message_error("%s: %s: %s; give a file that this user may read, or - for stdin", name, path,
                      strerror(errno));
    input_free(&input);
    return status;
}

static bool take(void *context, int option, const char *argument)
{
    struct wishes *wishes = context;
    if (option == 'r')
        wishes->replace = true;
    else
        wishes->organisation = argument;
    return option == 'r' || cert_store_check_organisation(name, argument);
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"org", required_argument, NULL, 'o'},
        {"replace", no_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    struct wishes wishes = {0};
    struct cert_store store;
    const char *path;
    struct operands operands = {.what = "FILE", .words = &path, .max = 1};
    int status;
    if (!command_line(invocation, options, take, &wishes, &operands, &status))
        return status;
    if (path == NULL || path[0] == '\0') {
        message_error("%s: no FILE is given; name a PEM file, or - for stdin", name);
        return STATUS_USAGE;
    }
    status = cert_store_open(&store, invocation);
    if (status == STATUS_DONE)
        status = add_file(&store, path, &wishes);
    cert_store_close(&store);
    return status;
}

const struct command command_cert_add = {
    .name = name,
    .usage = "tlsgraft [--policy FILE] cert add [--org ORG] [--replace] FILE | -",
    .summary = "register a certificate or a public key, and print its id",
    .help =
        "Puts what FILE (-: stdin) holds in PEM into the store of the policy: a certificate, with its chain\n"
        "behind it if you like, and with its private key if it is to be presented; or one public key. A\n"
        "private key is encrypted with the secret of the policy. Prints the id, by which rules name it:\n"
        "the organisation and the SHA-256 of the first certificate, or of the public key.\n"
        "\n"
        "  --org ORG  the organisation that the id begins with, not that of the policy; '' is none\n"
        "  --replace  a record without its private key is completed by the same certificate with it\n"
        "\n"
        "Without a policy the store is the directory /etc/tlsgraft/certs, and the organisation is empty.\n"
        "\n"
        "Refused: several private keys, one that does not match the first certificate or is encrypted, an\n"
        "expired certificate in the chain, a public key beside a certificate or a second one, DER.\n"
        "\n"
        "status: 0 done; 1 a record of this id is there already; 2 refused, wrong usage, an invalid policy;\n"
        "3 the store was not reached, or FILE cannot be read\n"
        "\n"
        "example:\n"
        "  cat client.crt client.key | tlsgraft --policy policy.cfg cert add -\n",
    .run = run,
};
