/* `tlsgraft pin`: the pins of a file's keys and certificates, or of those that a server shows. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/certificate.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/listing.h"
#include "cli/message.h"
#include "cli/policy_file.h"
#include "cli/restart.h"
#include "cli/section.h"
#include "cli/server.h"
#include "cli/verdict.h"
#include "config/file.h"
#include "config/pem.h"

enum { PORT_DEFAULT = 443, FILE_MAX = 1 << 20, WHY_SIZE = 1024 };

struct wishes {
    const char *servername; /* NULL: not given */
    struct program_asked program;
    bool json;
};

static bool has_program(const struct wishes *wishes)
{
    return wishes->program.path != NULL || wishes->program.name != NULL;
}

static bool count_one(const struct certificate *certificate, unsigned line, void *context)
{
    size_t *count = context;
    (void)certificate;
    (void)line;
    ++*count;
    return true;
}

static bool list_one(const struct certificate *certificate, unsigned line, void *context)
{
    (void)line;
    listing_add(context, certificate);
    return true;
}

/* All of the text is read before anything is printed. */
static int pin_text(const struct wishes *wishes, const struct crypto *crypto, const char *path,
                    const struct file_text *text)
{
    size_t count = 0;
    unsigned line;
    const char *fault = certificate_each(crypto, text->data, text->length, count_one, &count, &line);
    if (fault != NULL) {
        char words[PATH_MAX + WHY_SIZE];
        snprintf(words, sizeof words, "%s:%u: %s", path, line, fault);
        message_plain(words);
        return STATUS_USAGE;
    }
    if (count == 0) {
        message_error("%s: holds no CERTIFICATE and no PUBLIC KEY block; give a file with one of them in PEM",
                      path);
        return STATUS_USAGE;
    }
    struct listing listing;
    if (!listing_begin(&listing, "pin", wishes->json))
        return STATUS_SURROUNDINGS;
    certificate_each(crypto, text->data, text->length, list_one, &listing, &line);
    return listing_end(&listing, STATUS_DONE);
}

static int pin_read_file(const struct wishes *wishes, const char *path, struct arena *arena)
{
    struct crypto crypto;
    struct file_text text;
    const char *why;
    switch (file_read(arena, NULL, path, FILE_MAX, FILE_ANYBODYS, &text, &why)) {
    case FILE_READ:
        break;
    case FILE_UNREADABLE:
        message_error("%s: %s; give a file that this user may read", path, why);
        return STATUS_SURROUNDINGS;
    case FILE_REFUSED:
        message_error("%s: %s", path, why);
        return STATUS_USAGE;
    }
    why = pem_fault(arena, text.data, text.length, path);
    if (why != NULL) {
        message_error("%s: %s", path, why);
        return STATUS_USAGE;
    }
    if (!crypto_open(&crypto)) {
        message_error(
            "%s: it cannot be read without OpenSSL: no libcrypto of OpenSSL 1.1.1 to 4 is installed; "
            "install one",
            path);
        return STATUS_SURROUNDINGS;
    }
    return pin_text(wishes, &crypto, path, &text);
}

static int pin_file(const struct wishes *wishes, const char *path)
{
    enum { ARENA_MAX = 16 * FILE_MAX };
    struct arena arena;
    if (wishes->servername != NULL || has_program(wishes)) {
        message_error(
            "pin: %s: it is a file, and --%s is for a server; leave it out, or write %s:443 for the server",
            path, wishes->servername != NULL ? "servername" : "program", path);
        return STATUS_USAGE;
    }
    arena_init(&arena, ARENA_MAX);
    int status = pin_read_file(wishes, path, &arena);
    arena_free(&arena);
    return status;
}

/* A program may not know, or not tell, at which port the server is: by another way it may get another answer.
 */
static void tell_verdicts(const char *label, const struct verdicts *verdicts)
{
    const struct verdict *given = &verdicts->given;
    const struct verdict *unknown = &verdicts->unknown;
    if (!given->allowed)
        message_error("%s: would be refused: %s", label, given->words);
    else if (given->reported)
        message_warning("%s: would be reported, and let pass: %s", label, given->words);
    if (given->allowed == unknown->allowed && given->reported == unknown->reported)
        return;
    const char *outcome = !unknown->allowed   ? "refused: "
                          : unknown->reported ? "reported, and let pass: "
                                              : "let pass";
    message_warning(
        "%s: where the port of a connection is not known (curl with --resolve, a proxy), rules for "
        "other ports count too, and it would be %s%s",
        label, outcome, unknown->words);
}

/* The certificates with the verdicts (NULL: there is no policy). */
static int list_server(const struct wishes *wishes, const char *label, const struct server *server,
                       const struct verdicts *verdicts)
{
    const struct ossl *ossl = &server->crypto->ossl;
    struct listing listing;
    bool allowed = verdicts == NULL || verdicts->given.allowed;
    if (!listing_begin(&listing, "pin", wishes->json))
        return STATUS_SURROUNDINGS;
    listing.has_verdict = verdicts != NULL;
    listing.allowed = allowed;
    for (int i = 0; i < ossl_stack_count(ossl, server->sent); i++) {
        struct certificate certificate;
        if (certificate_read(server->crypto, ossl_stack_at(ossl, server->sent, i), &certificate)) {
            listing_add(&listing, &certificate);
        } else {
            message_warning(
                "%s: certificate %d of those that it shows has a key that cannot be read; it is left out",
                label, i + 1);
        }
    }
    if (verdicts != NULL)
        tell_verdicts(label, verdicts);
    return listing_end(&listing, allowed ? STATUS_DONE : STATUS_NO);
}

/* Is the name that the server is asked for, with or without a final dot, that of the host? */
static bool is_name_of(const char *servername, const struct host *host)
{
    size_t length = strlen(servername);
    return strncasecmp(servername, host->name, length) == 0 &&
           (host->name[length] == '\0' || strcmp(host->name + length, ".") == 0);
}

/* `file`: NULL: there is no policy. */
static int pin_connected(const struct wishes *wishes, const struct crypto *crypto, const struct host *host,
                         const struct policy_file *file)
{
    struct server server;
    struct verdicts verdicts;
    char why[WHY_SIZE] = "";
    char label[HOST_LABEL_SIZE];
    char name[sizeof host->name];
    host_format(host, label);
    /* A name is sent without its final dot (RFC 6066, section 3), and an address is not sent at all. */
    const char *servername = wishes->servername != NULL ? wishes->servername
                             : host->is_address         ? NULL
                                                        : host->name;
    if (servername != NULL) {
        snprintf(name, sizeof name, "%.*s",
                 (int)(strlen(servername) - (servername[strlen(servername) - 1] == '.')), servername);
        servername = name;
    }
    if (!server_open(&server, crypto, host, servername, why, sizeof why)) {
        message_error("%s: %s", label, why);
        return STATUS_SURROUNDINGS;
    }
    if (!server.finished)
        message_warning("%s: after it had shown its certificate: %s", label, why);
    bool is_host = servername == NULL || is_name_of(servername, host);
    if (file != NULL)
        verdict_find(file, &wishes->program, &server, servername, is_host, host->port, &verdicts);
    int status = list_server(wishes, label, &server, file != NULL ? &verdicts : NULL);
    server_close(&server);
    return status;
}

static int pin_under_policy(const struct wishes *wishes, const struct crypto *crypto, const struct host *host,
                            struct policy_file *file)
{
    file->asks_store = true;
    switch (policy_file_read(file)) {
    case POLICY_FILE_READ:
    case POLICY_FILE_STORE_FAILED:
    case POLICY_FILE_UNRESOLVED:
        return pin_connected(wishes, crypto, host, file);
    case POLICY_FILE_NO_LIBCRYPTO: /* there is one, or this would not be reached */
    case POLICY_FILE_ABSENT:
        return STATUS_SURROUNDINGS;
    case POLICY_FILE_INVALID:
        break;
    }
    return STATUS_USAGE;
}

/* `crypto` must outlive the policy, which keeps what it verifies with. */
static int pin_with_crypto(const struct wishes *wishes, const struct invocation *invocation,
                           const struct crypto *crypto, const struct host *host)
{
    struct policy_file file;
    if (policy_file_is_none(invocation->policy))
        return pin_connected(wishes, crypto, host, NULL);
    if (!policy_file_choose(&file, invocation->policy))
        return STATUS_SURROUNDINGS;
    int status = pin_under_policy(wishes, crypto, host, &file);
    policy_file_close(&file);
    return status;
}

static int pin_server(const struct wishes *wishes, const struct invocation *invocation, const char *text)
{
    struct host host;
    struct crypto crypto;
    char why[WHY_SIZE];
    if (!host_parse(text, &host, why, sizeof why)) {
        message_error("pin: '%s': %s", text, why);
        return STATUS_USAGE;
    }
    if (host.port == 0)
        host.port = PORT_DEFAULT;
    if (wishes->servername != NULL && !host_check_name(wishes->servername, why, sizeof why)) {
        message_error("pin: --servername '%s': %s", wishes->servername, why);
        return STATUS_USAGE;
    }
    if (!restart_ungoverned(invocation))
        return STATUS_SURROUNDINGS;
    if (!crypto_open_ssl(&crypto)) {
        message_error("pin: a server cannot be asked without OpenSSL: no libssl of OpenSSL 1.1.1 to 4 is "
                      "installed; install one");
        return STATUS_SURROUNDINGS;
    }
    return pin_with_crypto(wishes, invocation, &crypto, &host);
}

/* A name that no host has, but files do. */
static bool looks_like_path(const char *text)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der"};
    size_t length = strlen(text);
    if (strchr(text, '/') != NULL && strstr(text, "://") == NULL)
        return true;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t size = strlen(endings[i]);
        if (length > size && strcmp(text + length - size, endings[i]) == 0)
            return true;
    }
    return false;
}

static int pin(const struct wishes *wishes, const struct invocation *invocation, const char *operand)
{
    struct stat status;
    bool found = stat(operand, &status) == 0;
    int error = errno;
    bool path = looks_like_path(operand);
    if (found && (path || !S_ISDIR(status.st_mode)))
        return pin_file(wishes, operand);
    if (!path)
        return pin_server(wishes, invocation, operand);
    message_error("%s: %s; check the path, or give a server as HOST[:PORT]", operand, strerror(error));
    return STATUS_SURROUNDINGS;
}

static bool take(void *context, int option, const char *argument)
{
    struct wishes *wishes = context;
    if (option == 'j')
        wishes->json = true;
    else if (option == 's')
        wishes->servername = argument;
    else
        return section_take_program(&wishes->program, argument, "pin");
    if (option == 'j' || argument[0] != '\0')
        return true;
    message_error("pin: the argument of an option is empty; see 'tlsgraft pin --help'");
    return false;
}

static int run(const struct invocation *invocation)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {"program", required_argument, NULL, 'n'},
        {"servername", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    struct wishes wishes = {0};
    const char *operand;
    struct operands operands = {.what = "FILE or HOST", .words = &operand, .max = 1};
    int status;
    if (!command_line(invocation, options, take, &wishes, &operands, &status))
        return status;
    if (operand == NULL || operand[0] == '\0') {
        message_error("pin: no FILE and no HOST is given; see 'tlsgraft pin --help'");
        return STATUS_USAGE;
    }
    return pin(&wishes, invocation, operand);
}

const struct command command_pin = {
    .name = "pin",
    .usage =
        "tlsgraft [--policy FILE] pin FILE | HOST[:PORT] [--servername NAME] [--program PATH|NAME] [--json]",
    .summary = "print the pins of a file, or of a server",
    .help =
        "Of a file in PEM it prints the pin of each certificate and public key; of a server that of each\n"
        "certificate that it shows, its own first. The port is 443 if none is given. A file comes first: "
        "write\n"
        "HOST:443 if there is one of that name, and ./FILE for a file that looks like a host.\n"
        "\n"
        "Where there is a policy, a server is judged by it as a program would: as one that asks for HOST "
        "(or\n"
        "NAME), and verifies by itself whatever the policy leaves to it. The certificate itself is not "
        "verified\n"
        "unless a rule asks for that: compare the pin with what the owner of the server says.\n"
        "\n"
        "  --servername NAME    ask the server for this name (SNI), not for HOST\n"
        "  --program PATH|NAME  judge by the section of this program: with a /, its path; else its base "
        "name,\n"
        "                       or the NAME of 'tlsgraft run --program NAME'; one of each may be given\n"
        "  --json               print [{pin, hex, not_after, subject, allowed}]\n"
        "\n"
        "Into a pipe it prints a line for each: pin, the same in hex, end of validity, subject, and (a "
        "server,\n"
        "with a policy) allowed or refused; with tabs between.\n"
        "\n"
        "status: 0 done; 1 the policy would refuse the server; 2 wrong usage, a file without keys, an "
        "invalid\n"
        "policy; 3 a file cannot be read, or a server not be reached\n"
        "\n"
        "example:\n"
        "  tlsgraft pin example.com:443\n",
    .run = run,
};
