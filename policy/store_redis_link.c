#include "policy/store_redis_link.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/clock.h"
#include "policy/hostio.h"

void redis_link_init(struct redis_link *link, const struct store_settings *store, unsigned timeout_ms,
                     char *why)
{
    *link = (struct redis_link){.store = store, .why = why, .descriptor = -1, .timeout_ms = timeout_ms};
    redis_link_renew(link);
}

void redis_link_renew(struct redis_link *link)
{
    link->deadline = clock_ms(CLOCK_MONOTONIC) + link->timeout_ms;
}

void redis_link_close(struct redis_link *link)
{
    if (link->descriptor >= 0)
        close(link->descriptor);
    link->descriptor = -1;
    redis_parser_free(link->parser);
    link->parser = NULL;
    if (link->out != NULL)
        explicit_bzero(link->out, link->out_room); /* the password */
    free(link->out);
    link->out = NULL;
    link->out_length = 0;
    link->out_room = 0;
    link->out_sent = 0;
}

static enum store_result fail_late(struct redis_link *link)
{
    return store_fail(link->why,
                      "it does not answer within %u ms; is it reachable and not overloaded? 'timeout_ms' in "
                      "the section 'store' is how long is waited",
                      link->timeout_ms);
}

/* What poll(2) has seen before `deadline`; 0: nothing. */
static short wait_until(int descriptor, short events, int64_t deadline)
{
    struct pollfd wanted = {.fd = descriptor, .events = events};
    for (;;) {
        int64_t left = deadline - clock_ms(CLOCK_MONOTONIC);
        int seen = left <= 0 ? 0 : poll(&wanted, 1, (int)left);
        if (seen < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        return seen == 1 ? wanted.revents : 0;
    }
}

/* 0, or the error. */
static int connect_until(int descriptor, const struct store_address *address, int64_t deadline)
{
    const struct sockaddr *to = (const struct sockaddr *)&address->address;
    int error = 0;
    socklen_t size = sizeof error;
    while (connect(descriptor, to, address->length) != 0) {
        if (errno == EISCONN)
            return 0;
        /* A Unix socket whose queue is full; nothing tells when it has room. */
        if (errno == EAGAIN && clock_ms(CLOCK_MONOTONIC) < deadline) {
            poll(NULL, 0, 1);
            continue;
        }
        if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR)
            return errno;
        if (wait_until(descriptor, POLLOUT, deadline) == 0)
            return ETIMEDOUT;
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0 ? errno : error;
    }
    return 0;
}

/*
 * A connected descriptor; -1, and the error, and whose fault it is. Over TCP a refusal comes from the network
 * or a packet filter, never from what this process has become.
 */
static int connected(const struct store_address *address, int64_t deadline, int *error,
                     enum store_fault *fault)
{
    int family = address->address.ss_family;
    int one = 1;
    int descriptor = hostio_socket(family, SOCK_STREAM | SOCK_NONBLOCK);
    if (descriptor < 0) {
        *error = errno;
        *fault = store_fault_of_socket(*error);
        return -1;
    }
    if (family != AF_UNIX)
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *error = connect_until(descriptor, address, deadline);
    if (*error == 0)
        return descriptor;
    close(descriptor);
    *fault = family == AF_UNIX ? store_fault_of_file(*error) : STORE_FAULT_CONTACT;
    return -1;
}

static enum store_result fail_connect(struct redis_link *link, int error)
{
    char words[STORE_ERROR_SIZE];
    switch (error) {
    case ETIMEDOUT:
        return store_fail(link->why,
                          "there is no connection to it within %u ms; is 'address' in the section 'store' "
                          "right, and does a firewall let it pass?",
                          link->timeout_ms);
    case ECONNREFUSED:
        return store_fail(link->why,
                          "nothing listens there; start it, or set 'address' in the section 'store' right");
    case ENOENT:
        return store_fail(link->why, "there is no such socket; start it, or set 'address' in the section "
                                     "'store' to its 'unixsocket'");
    case EACCES:
        if (link->fault != STORE_FAULT_DENIED)
            break;
        return store_fail(link->why, "this user may not connect to the socket; add it to the socket's group, "
                                     "or set Redis' 'unixsocketperm'");
    default:
        break;
    }
    return store_fail(link->why, "there is no connection to it: %s; check 'address' in the section 'store'%s",
                      store_error(error, words),
                      link->fault == STORE_FAULT_BARRED
                          ? ", and let the filter on the system calls of this process pass socket(2)"
                          : ", and whether a firewall lets it pass");
}

/* Each address has a fair share of the time, so that one which is silent leaves some to the next. */
static bool connect_any(struct redis_link *link)
{
    const struct store_settings *store = link->store;
    int error = 0;
    bool barred = true; /* from all of them: else one that does not answer is why */
    link->fault = STORE_FAULT_CONTACT;
    if (store->address_count == 0) {
        store_fail(link->why, "its name has no address; check 'address' in the section 'store', and whether "
                              "the name resolves");
        return false;
    }
    for (size_t i = 0; i < store->address_count; i++) {
        int64_t now = clock_ms(CLOCK_MONOTONIC);
        int64_t share = (link->deadline - now) / (int64_t)(store->address_count - i);
        link->descriptor =
            connected(&store->addresses[i], now + (share > 0 ? share : 0), &error, &link->fault);
        if (link->descriptor >= 0) {
            link->fault = STORE_FAULT_CONTACT; /* what fails from now on */
            return true;
        }
        barred = barred && link->fault == STORE_FAULT_BARRED;
    }
    if (link->fault == STORE_FAULT_BARRED && !barred)
        link->fault = STORE_FAULT_CONTACT;
    fail_connect(link, error);
    return false;
}

/* Not by realloc(3), which may leave a copy of a password behind. */
static bool make_room(struct redis_link *link, size_t more)
{
    size_t room = 2 * (link->out_length + more);
    if (link->out_length + more <= link->out_room)
        return true;
    char *out = malloc(room);
    if (out == NULL)
        return false;
    if (link->out != NULL) {
        memcpy(out, link->out, link->out_length);
        explicit_bzero(link->out, link->out_room); /* also what was sent already */
        free(link->out);
    }
    link->out = out;
    link->out_room = room;
    return true;
}

bool redis_link_add(struct redis_link *link, const struct redis_word *words, size_t count)
{
    const char *texts[REDIS_WORDS_MAX];
    size_t lengths[REDIS_WORDS_MAX];
    char *command = NULL;
    for (size_t i = 0; i < count; i++) {
        texts[i] = words[i].data;
        lengths[i] = words[i].length;
    }
    long long length = redisFormatCommandArgv(&command, (int)count, texts, lengths);
    bool added = length > 0 && make_room(link, (size_t)length);
    if (added) {
        memcpy(link->out + link->out_length, command, (size_t)length);
        link->out_length += (size_t)length;
    } else {
        store_fail(link->why, "there is not enough memory to ask it");
    }
    if (length > 0)
        redisFreeCommand(command);
    return added;
}

bool redis_link_add_texts(struct redis_link *link, ...)
{
    struct redis_word words[REDIS_WORDS_MAX];
    size_t count = 0;
    va_list args;
    va_start(args, link);
    for (const char *text; count < REDIS_WORDS_MAX && (text = va_arg(args, const char *)) != NULL;)
        words[count++] = redis_word(text);
    va_end(args);
    return redis_link_add(link, words, count);
}

/* What the socket takes. A server that has closed may have said before why, so an error is seen in reading.
 */
static void send_some(struct redis_link *link)
{
    ssize_t sent = send(link->descriptor, link->out + link->out_sent, link->out_length - link->out_sent,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
        link->out_sent += (size_t)sent;
    else if (errno != EAGAIN && errno != EINTR)
        link->out_sent = link->out_length;
    if (link->out_sent == link->out_length) {
        link->out_sent = 0;
        link->out_length = 0;
    }
}

bool redis_link_send(struct redis_link *link)
{
    while (link->out_length > 0) {
        if (wait_until(link->descriptor, POLLOUT, link->deadline) == 0) {
            fail_late(link);
            return false;
        }
        send_some(link);
    }
    return true;
}

static bool receive_some(struct redis_link *link)
{
    char bytes[REDIS_FEED_MAX];
    char words[STORE_ERROR_SIZE];
    ssize_t got = recv(link->descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0) {
        bool fed = redis_parser_feed(link->parser, bytes, (size_t)got);
        explicit_bzero(bytes, (size_t)got); /* they may be of a private key */
        if (fed)
            return true;
        store_fail(link->why, "there is not enough memory for its answer");
    } else if (got == 0) {
        store_fail(link->why, "it closed the connection %s; is it Redis, and not stopping? Its log tells",
                   redis_parser_is_amid(link->parser) ? "in the middle of an answer" : "without an answer");
    } else if (errno == EAGAIN || errno == EINTR) {
        return true;
    } else {
        store_fail(link->why, "the connection broke: %s; its log may tell why", store_error(errno, words));
    }
    return false;
}

/* Sends and receives what can be now. False: it cannot go on; `why` tells. */
static bool move_bytes(struct redis_link *link)
{
    bool unsent = link->out_sent < link->out_length;
    short seen = wait_until(link->descriptor, (short)(POLLIN | (unsent ? POLLOUT : 0)), link->deadline);
    if (seen == 0) {
        fail_late(link);
        return false;
    }
    if ((seen & POLLNVAL) != 0) {
        link->descriptor = -1; /* nor is it closed: its number may be another's by now */
        store_fail(link->why,
                   "this process has closed the connection; it is opened again for the next question");
        return false;
    }
    if (unsent && (seen & POLLOUT) != 0)
        send_some(link);
    return (seen & (POLLIN | POLLHUP | POLLERR)) == 0 || receive_some(link);
}

static bool fail_parsed(struct redis_link *link, enum redis_parsed parsed)
{
    if (parsed == REDIS_TOO_LONG)
        store_fail(link->why, "it holds a text of more bytes than a record may have; delete that key");
    else if (parsed == REDIS_NO_MEMORY)
        store_fail(link->why, "there is not enough memory for its answer");
    else
        store_fail(link->why, "it answers nonsense; is it Redis that listens there, without TLS?");
    link->was_too_long = parsed == REDIS_TOO_LONG;
    snprintf(link->entry_id, sizeof link->entry_id, "%s", redis_parser_entry_id(link->parser));
    return false;
}

struct redis_reply *redis_link_reply(struct redis_link *link)
{
    struct redis_reply *reply = NULL;
    bool goes_on = link->parser != NULL;
    link->was_too_long = false;
    while (goes_on) {
        enum redis_parsed parsed = redis_parser_next(link->parser, &reply);
        if (parsed == REDIS_PARSED)
            return reply;
        goes_on = parsed == REDIS_MORE ? move_bytes(link) : fail_parsed(link, parsed);
    }
    redis_link_close(link);
    return NULL;
}

struct redis_reply *redis_link_expect(struct redis_link *link, enum redis_type type)
{
    struct redis_reply *reply = redis_link_reply(link);
    if (reply == NULL || reply->type == type)
        return reply;
    if (reply->type == REDIS_IS_ERROR)
        redis_error_fail(reply, link->why);
    else
        store_fail(link->why, "it answers something else than it was asked; is it Redis that listens there?");
    redis_reply_free(reply);
    return NULL;
}

static bool said_ok(struct redis_link *link)
{
    struct redis_reply *reply = redis_link_expect(link, REDIS_IS_STATUS);
    redis_reply_free(reply);
    return reply != NULL;
}

static bool authenticate(struct redis_link *link)
{
    const struct store_settings *store = link->store;
    struct redis_word words[3] = {redis_word("AUTH")};
    size_t count = 1;
    if (store->password == NULL)
        return true;
    if (store->username != NULL)
        words[count++] = redis_word(store->username);
    words[count++] = (struct redis_word){store->password, store->password_length};
    return redis_link_add(link, words, count) && said_ok(link);
}

/* Nothing else is sent before: it would go to another database. */
static bool select_database(struct redis_link *link)
{
    char number[16];
    if (link->store->database == 0)
        return true;
    snprintf(number, sizeof number, "%u", link->store->database);
    return redis_link_add_texts(link, "SELECT", number, NULL) && said_ok(link);
}

bool redis_link_open(struct redis_link *link)
{
    redis_link_close(link);
    if (!connect_any(link))
        return false;
    link->parser = redis_parser_new();
    if (link->parser == NULL)
        store_fail(link->why, "there is not enough memory to ask it");
    if (link->parser != NULL && authenticate(link) && select_database(link))
        return true;
    redis_link_close(link);
    return false;
}
