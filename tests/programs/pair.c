#include "pair.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATH_SIZE 512
/* More turns than any handshake over a socketpair takes. */
#define TURNS 20

static const char question[] = "ping";
static const char answer[] = "pong";

/* One meeting. */
struct meeting {
    struct pair_world *world;
    unsigned number;
    int plain[2]; /* the client's end, the server's */
    SSL *client;
    SSL *server;
    const char *why;
};

enum pair_expect pair_expect_of(const char *word)
{
    static const char *const words[] = {
        [PAIR_PINNED] = "pinned", [PAIR_NOBODY] = "nobody", [PAIR_ANYBODY] = "anybody"};
    for (size_t i = 0; word != NULL && i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) == 0)
            return (enum pair_expect)i;
    }
    fprintf(stderr, "%s: unknown; allowed are pinned, nobody and anybody\n", word == NULL ? "" : word);
    exit(2);
}

static const char *in_folder(char path[PATH_SIZE], const char *folder, const char *name)
{
    snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    return path;
}

SSL_CTX *pair_client(const char *folder)
{
    char path[PATH_SIZE];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        return NULL;
    if (SSL_CTX_load_verify_locations(context, in_folder(path, folder, "ca.pem"), NULL) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static SSL_CTX *server_of(const char *folder, const char *certificate, const char *key)
{
    char path[PATH_SIZE];
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context != NULL &&
        SSL_CTX_use_certificate_file(context, in_folder(path, folder, certificate), SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, in_folder(path, folder, key), SSL_FILETYPE_PEM) == 1)
        return context;
    ERR_print_errors_fp(stderr);
    exit(2);
}

void pair_servers(struct pair_world *world, const char *folder)
{
    world->servers[0] = server_of(folder, "genuine.pem", "genuine.key");
    world->servers[1] = server_of(folder, "other.pem", "other.key");
}

void pair_open(struct pair_world *world, const char *folder)
{
    world->client = pair_client(folder);
    if (world->client == NULL) {
        ERR_print_errors_fp(stderr);
        exit(2);
    }
    pair_servers(world, folder);
}

bool pair_is_genuine(unsigned number)
{
    return number % 2 == 0;
}

static void arm(const struct meeting *meeting, bool on)
{
    if (meeting->world->armed != NULL)
        meeting->world->armed(on);
}

/* The numbers go through all pairs of a version, and a client that verifies the chain or does not. */
static bool make_client(struct meeting *meeting)
{
    char name[64];
    if (meeting->world->name != NULL)
        snprintf(name, sizeof name, "%s", meeting->world->name(meeting->number));
    else
        snprintf(name, sizeof name, "w%u.lab.example", meeting->number);
    meeting->client = SSL_new(meeting->world->client);
    if (meeting->client == NULL)
        return false;
    if ((meeting->number & 2) != 0)
        SSL_set_max_proto_version(meeting->client, TLS1_2_VERSION);
    if ((meeting->number & 4) != 0)
        SSL_set_verify(meeting->client, SSL_VERIFY_PEER, NULL);
    return SSL_set_tlsext_host_name(meeting->client, name) == 1 &&
           SSL_set_fd(meeting->client, meeting->plain[0]) == 1;
}

static bool make_server(struct meeting *meeting)
{
    meeting->server = SSL_new(meeting->world->servers[pair_is_genuine(meeting->number) ? 0 : 1]);
    if (meeting->server == NULL || SSL_set_fd(meeting->server, meeting->plain[1]) != 1)
        return false;
    SSL_set_accept_state(meeting->server);
    return true;
}

static bool wants_more(const SSL *ssl, int result)
{
    int error = SSL_get_error(ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* Nothing that the client said may reach the server's program. */
static enum pair_outcome refused(struct meeting *meeting)
{
    char bytes[16];
    ERR_clear_error();
    arm(meeting, true);
    int sent = SSL_write(meeting->client, question, (int)strlen(question));
    arm(meeting, false);
    ERR_clear_error();
    int got = SSL_read(meeting->server, bytes, sizeof bytes);
    ERR_clear_error();
    if (got <= 0 && sent <= 0)
        return PAIR_REFUSED;
    meeting->why =
        got > 0 ? "the server got data from a client that refused it" : "a refused client could write";
    return PAIR_WRONG;
}

/* There and back. Where allocations fail, a handshake that is done counts, whatever comes after it. */
static enum pair_outcome converse(struct meeting *meeting)
{
    char there[16];
    char back[16];
    arm(meeting, true);
    SSL_write(meeting->client, question, (int)strlen(question));
    arm(meeting, false);
    if (SSL_read(meeting->server, there, sizeof there) > 0)
        SSL_write(meeting->server, answer, (int)strlen(answer));
    arm(meeting, true);
    int heard = SSL_read(meeting->client, back, sizeof back);
    arm(meeting, false);
    if (meeting->world->armed != NULL)
        return PAIR_ACCEPTED;
    if (heard != (int)strlen(answer) || memcmp(back, answer, strlen(answer)) != 0)
        meeting->why = "a handshake that was accepted carried no data";
    else if (ERR_peek_error() != 0)
        meeting->why = "an accepted handshake left errors in the queue";
    return meeting->why == NULL ? PAIR_ACCEPTED : PAIR_WRONG;
}

static enum pair_outcome shake_hands(struct meeting *meeting)
{
    bool accepted = false;
    for (int turn = 0; turn < TURNS; turn++) {
        arm(meeting, true);
        int connected = SSL_connect(meeting->client);
        arm(meeting, false);
        if (connected != 1 && !wants_more(meeting->client, connected))
            return refused(meeting);
        ERR_clear_error();
        if (!accepted) {
            int result = SSL_accept(meeting->server);
            accepted = result == 1;
            if (!accepted && !wants_more(meeting->server, result)) {
                meeting->why = "the server did not like the client";
                /* Where allocations fail, a client may leave something out. */
                return meeting->world->armed == NULL ? PAIR_WRONG : PAIR_REFUSED;
            }
            ERR_clear_error();
        }
        if (connected == 1 && accepted) {
            if (meeting->world->met != NULL)
                meeting->world->met(meeting->server);
            return converse(meeting);
        }
    }
    meeting->why = "the handshake does not end";
    return PAIR_WRONG;
}

static enum pair_outcome with_sockets(struct meeting *meeting)
{
    arm(meeting, true);
    bool made = make_client(meeting);
    arm(meeting, false);
    if (!made) {
        meeting->why = "no SSL for the client";
        return meeting->world->armed == NULL ? PAIR_WRONG : PAIR_REFUSED;
    }
    if (make_server(meeting))
        return shake_hands(meeting);
    meeting->why = "no SSL for the server";
    return PAIR_WRONG;
}

static bool make_sockets(struct meeting *meeting)
{
    int standard[3];
    int taken = 0;
    /* What is opened with O_PATH keeps the number, and a write to it fails as one to a closed one does. */
    while (meeting->world->higher && taken < 3) {
        int number = open("/", O_PATH | O_CLOEXEC);
        if (number > STDERR_FILENO)
            close(number);
        if (number < 0 || number > STDERR_FILENO)
            break;
        standard[taken++] = number;
    }
    bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, meeting->plain) == 0;
    while (taken > 0)
        close(standard[--taken]);
    return made;
}

enum pair_outcome pair_meet(struct pair_world *world, unsigned number, const char **why)
{
    struct meeting meeting = {.world = world, .number = number};
    *why = "no socketpair";
    if (!make_sockets(&meeting))
        return PAIR_WRONG;
    enum pair_outcome outcome = with_sockets(&meeting);
    arm(&meeting, true);
    SSL_free(meeting.client);
    arm(&meeting, false);
    SSL_free(meeting.server);
    close(meeting.plain[0]);
    close(meeting.plain[1]);
    ERR_clear_error();
    *why = meeting.why;
    return outcome;
}

const char *pair_shake(struct pair_world *world, enum pair_expect expect, unsigned number)
{
    const char *why = NULL;
    bool welcome = expect == PAIR_ANYBODY || (expect == PAIR_PINNED && pair_is_genuine(number));
    switch (pair_meet(world, number, &why)) {
    case PAIR_ACCEPTED:
        return welcome ? NULL : "accepted";
    case PAIR_REFUSED:
        return welcome ? "refused" : NULL;
    case PAIR_WRONG:
        break;
    }
    return why;
}

unsigned pair_shake_many(struct pair_world *world, enum pair_expect expect, unsigned from, unsigned to)
{
    unsigned expected = 0;
    for (unsigned number = from; number < to; number++) {
        const char *surprise = pair_shake(world, expect, number);
        if (surprise == NULL)
            expected++;
        else
            dprintf(STDOUT_FILENO, "handshake %u with the %s server: %s\n", number,
                    pair_is_genuine(number) ? "genuine" : "other", surprise);
    }
    return expected;
}
