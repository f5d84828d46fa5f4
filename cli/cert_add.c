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

/* One upload; and what stands under its id already. */
struct adding {
    const struct cert_store *store;
    const struct crypto *crypto;
    const char *path;
    const char *organisation;
    const struct record_made *made;
};

struct there {
    enum store_result result;
    struct store_text text;
    bool is_record; /* STORE_DONE: it is the one of the id */
    bool has_private_key;
    size_t certificate_count;
    char why[STORE_WHY_SIZE]; /* it cannot be read, or is refused */
};

/* there->text.text is to be freed. */
static void look(const struct adding *adding, struct there *there)
{
    const char *id = adding->made->id;
    *there = (struct there){0};
    store_read(adding->store->settings, &id, 1, adding->store->settings->timeout_ms, &there->result,
               &there->text, there->why);
    if (there->result != STORE_DONE)
        return;
    struct record *record = record_parse(&adding->crypto->ossl, id, there->text.text, there->text.length,
                                         there->why, sizeof there->why);
    there->is_record = record != NULL;
    if (record == NULL)
        return;
    there->has_private_key = record_has_private_key(record);
    there->certificate_count = record_certificate_count(record);
    record_free(record);
}

static int say_exists(const struct adding *adding, const char *advice)
{
    message_error("%s: %s: Certificate with %s id already exists; %s", name, adding->path, adding->made->id,
                  advice);
    return STATUS_NO;
}

/* Why it stays as it is. */
static int say_there(const struct adding *adding, const struct there *there, bool replace)
{
    const char *id = adding->made->id;
    if (there->result == STORE_ABSENT)
        return say_exists(adding, "it was deleted just now, so try again");
    if (there->result != STORE_DONE) {
        message_error("%s: %s: Certificate with %s id already exists, and cannot be read: %s", name,
                      adding->path, id, there->why);
        return STATUS_NO;
    }
    if (!there->is_record) {
        message_error("%s: %s: Certificate with %s id already exists, but it is refused: %s; delete it with "
                      "'tlsgraft cert delete --force %s', and add it again",
                      name, adding->path, id, there->why, id);
        return STATUS_NO;
    }
    if (replace && there->has_private_key)
        return say_exists(adding, "it has its private key; to put another chain there, delete it before");
    if (replace)
        return say_exists(adding,
                          "--replace is for giving it its private key, so put that behind the certificate");
    if (adding->made->has_private_key && !there->has_private_key)
        return say_exists(adding, "it has no private key: add it with --replace");
    return say_exists(adding, "it is there for use under this id, so there is nothing to do");
}

static int say_write_failed(const struct adding *adding, const char *why)
{
    return cert_store_say_failed(adding->store, adding->made->id, why);
}

/* The new record is the whole of what was uploaded, as a gateway would have stored it. */
static void warn_of_chain(const struct adding *adding, const struct there *there)
{
    char why[STORE_WHY_SIZE];
    const struct record_made *made = adding->made;
    struct record *record =
        record_parse(&adding->crypto->ossl, made->id, made->text, made->length, why, sizeof why);
    size_t count = record != NULL ? record_certificate_count(record) : 0;
    record_free(record);
    if (count > 0 && count < there->certificate_count)
        message_warning(
            "%s: %s: the record %s had %zu certificates, and has %zu of this file now; if the rest "
            "of the chain is to be presented, delete the record, and add the whole chain with "
            "the key",
            name, adding->path, made->id, there->certificate_count, count);
}

/* A record without a key is completed; one that has a key stays. STORE_EXISTS: another came in between. */
static enum store_result complete(const struct adding *adding, const struct there *there, char *why)
{
    const struct record_made *made = adding->made;
    enum store_result result =
        store_write(adding->store->settings, adding->organisation, made->id, made->text, made->length, true,
                    there->result == STORE_DONE ? &there->text : NULL, why);
    if (result == STORE_DONE)
        warn_of_chain(adding, there);
    return result;
}

/* One look, and what follows from it. `*again`: what it saw has changed before it was replaced. */
static int try_replace(const struct adding *adding, bool *again)
{
    struct there there;
    char why[STORE_WHY_SIZE] = "";
    look(adding, &there);
    bool is_bare = there.result == STORE_DONE && there.is_record && !there.has_private_key;
    bool may = adding->made->has_private_key && (there.result == STORE_ABSENT || is_bare);
    enum store_result result = may ? complete(adding, &there, why) : STORE_FAILED;
    store_text_free(&there.text);
    *again = may && result == STORE_EXISTS;
    if (may)
        return result == STORE_DONE ? STATUS_DONE : *again ? STATUS_NO : say_write_failed(adding, why);
    if (there.result == STORE_FAILED && there.text.fault != STORE_FAULT_RECORD)
        return say_write_failed(adding, there.why);
    return say_there(adding, &there, true);
}

static int replace(const struct adding *adding)
{
    enum { TRIES = 16 }; /* each one that fails means that another has succeeded */
    bool again = true;
    int status = STATUS_NO;
    for (int i = 0; again && i < TRIES; i++)
        status = try_replace(adding, &again);
    return again ? say_exists(adding, "others change it all the time, so try again") : status;
}

static int write_record(const struct adding *adding, bool may_replace)
{
    const struct record_made *made = adding->made;
    struct there there;
    char why[STORE_WHY_SIZE] = "";
    enum store_result result = store_write(adding->store->settings, adding->organisation, made->id,
                                           made->text, made->length, made->has_private_key, NULL, why);
    if (result == STORE_DONE)
        return STATUS_DONE;
    if (result != STORE_EXISTS)
        return say_write_failed(adding, why);
    if (may_replace)
        return replace(adding);
    look(adding, &there);
    store_text_free(&there.text);
    return say_there(adding, &there, false);
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
        const struct adding adding = {store, crypto, path, upload.organisation, &made};
        status = write_record(&adding, wishes->replace);
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
