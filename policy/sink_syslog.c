/*
 * Events to syslog, by a socket of our own: what syslog(3) keeps, its connection, its tag and its mask, is
 * the host's. The format is that of RFC 3164 without the name of the machine, as syslogd and journald take it
 * from their own one. Times are in UTC: the time zone is not asked (text.h), and both of them take the time
 * at which it came.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "policy/sink.h"
#include "policy/text.h"

#define SYSLOG_PATH    "/dev/log"
#define SYSLOG_DEFAULT "daemon"

enum {
    SEVERITY_ERROR = 3,
    SEVERITY_WARNING = 4,
    SEVERITY_INFO = 6,
    TEXT_LEAST = 256, /* of a message that is cut because it is too long for the socket */
};

/* The numbers of RFC 3164, 4.1.1. */
static const struct {
    char name[10];
    int number;
} facilities[] = {{"user", 1},    {"mail", 2},    {"daemon", 3},  {"auth", 4},    {"syslog", 5},
                  {"lpr", 6},     {"news", 7},    {"uucp", 8},    {"cron", 9},    {"authpriv", 10},
                  {"ftp", 11},    {"local0", 16}, {"local1", 17}, {"local2", 18}, {"local3", 19},
                  {"local4", 20}, {"local5", 21}, {"local6", 22}, {"local7", 23}};

static const char *target(const struct event_sinks *sinks)
{
    return sinks->syslog != NULL ? "syslog" : NULL;
}

static int facility_number(const char *name)
{
    for (size_t i = 0; i < sizeof facilities / sizeof *facilities; i++) {
        if (strcmp(facilities[i].name, name) == 0)
            return facilities[i].number;
    }
    return facility_number(SYSLOG_DEFAULT);
}

static int severity_of(enum log_level level)
{
    return level == LOG_LEVEL_ERROR     ? SEVERITY_ERROR
           : level == LOG_LEVEL_WARNING ? SEVERITY_WARNING
                                        : SEVERITY_INFO;
}

enum { HEAD_SIZE = 128 };

static size_t make_head(const struct sink_event *event, char head[HEAD_SIZE])
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char now[TEXT_TIME_SIZE]; /* 2026-01-31T23:59:59Z */
    text_of_time(time(NULL), now);
    int month = 10 * (now[5] - '0') + (now[6] - '0');
    int priority = 8 * facility_number(event->sinks->syslog) + severity_of(event->level);
    int length = snprintf(head, HEAD_SIZE, "<%d>%.3s %c%c %.8s tlsgraft[%ld]: ", priority,
                          &months[(size_t)(3 * (month - 1))], now[8] == '0' ? ' ' : now[8], now[9], now + 11,
                          (long)getpid());
    return (size_t)length;
}

/* A connected socket; -1 and errno. Old daemons listen on a stream. */
static int connected(int type)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SYSLOG_PATH};
    int descriptor = hostio_socket(AF_UNIX, type | SOCK_NONBLOCK);
    if (descriptor < 0)
        return -1;
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

/* At most half of the text, without the half of a character at its end. */
static size_t halve(const char *text, size_t length)
{
    length /= 2;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

/* What is too long for the socket is cut. On a stream a NUL ends a message. */
static bool send_text(int descriptor, const struct sink_event *event, bool is_stream)
{
    char head[HEAD_SIZE];
    char nul = '\0';
    size_t left = event->length - 1; /* without the line break */
    struct iovec parts[] = {
        {head, make_head(event, head)}, {(char *)event->line, left}, {&nul, is_stream ? 1 : 0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = sizeof parts / sizeof *parts};
    for (;;) {
        ssize_t sent = sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0)
            return (size_t)sent == parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
        if (errno == EINTR)
            continue;
        if ((errno != EMSGSIZE && errno != ENOBUFS) || parts[1].iov_len < TEXT_LEAST)
            return false;
        parts[1].iov_len = halve(event->line, parts[1].iov_len);
    }
}

static bool put(const struct sink_event *event, char *why)
{
    char error[128];
    bool is_stream = false;
    int descriptor = connected(SOCK_DGRAM);
    if (descriptor < 0 && errno == EPROTOTYPE) {
        is_stream = true;
        descriptor = connected(SOCK_STREAM);
    }
    if (descriptor >= 0 && send_text(descriptor, event, is_stream)) {
        close(descriptor);
        return true;
    }
    snprintf(why, SINK_WHY_SIZE, SYSLOG_PATH ": %s; is a syslog daemon running there?",
             strerror_r(errno, error, sizeof error));
    if (descriptor >= 0)
        close(descriptor);
    return false;
}

const struct sink sink_syslog = {target, put};
