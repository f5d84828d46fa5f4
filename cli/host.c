#include "cli/host.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 63, PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

static bool is_ipv4(const char *text)
{
    struct in_addr address;
    return inet_pton(AF_INET, text, &address) == 1;
}

/* A zone may follow, as in fe80::1%eth0. */
static bool is_ipv6(const char *text)
{
    struct in6_addr address;
    char bare[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "%");
    if (length >= sizeof bare || strcmp(text + length, "%") == 0)
        return false;
    memcpy(bare, text, length);
    bare[length] = '\0';
    return inet_pton(AF_INET6, bare, &address) == 1;
}

/* NULL: it may be a name. */
static const char *name_fault(const char *name)
{
    size_t label = 0;
    bool digits = true;
    if (name[0] == '\0')
        return "it is empty; give the name of a host";
    if (strlen(name) > DOMAIN_NAME_MAX + (name[strlen(name) - 1] == '.'))
        return "it is longer than a host name can be; give a name of at most 253 characters";
    for (const char *at = name; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c >= 0x80)
            return "it is not ASCII; give the A-label, which begins with xn--";
        if (c == '*')
            return "it is a pattern; give the name of one host";
        if (c == '.' && label == 0)
            return "an empty label stands before a dot; give the name of a host";
        if (c != '.' && !isalnum(c) && c != '-' && c != '_')
            return "no host can have this name; allowed are letters, digits, '-', '_' and '.'";
        if (c == '.' && at[1] == '\0')
            break;
        if (c == '.')
            digits = true;
        else
            digits = digits && isdigit(c);
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return "a label of it is longer than 63 characters; give the name of a host";
    }
    return digits ? "it is neither a name nor an address; an IPv4 address has four numbers" : NULL;
}

bool host_check_name(const char *name, char *why, size_t size)
{
    const char *fault = is_ipv4(name) || is_ipv6(name)
                            ? "it is an address; the name that a server is asked for is never one"
                            : name_fault(name);
    if (fault != NULL)
        snprintf(why, size, "%s", fault);
    return fault == NULL;
}

static bool read_port(const char *text, uint16_t *port)
{
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > PORT_DIGITS_MAX || text[length] != '\0')
        return false;
    long number = strtol(text, NULL, 10);
    *port = (uint16_t)number;
    return number >= 1 && number <= PORT_MAX;
}

/* What stands before the port; false: it is too long for a host. */
static bool set_name(struct host *host, const char *text, size_t length)
{
    if (length >= sizeof host->name)
        return false;
    memcpy(host->name, text, length);
    host->name[length] = '\0';
    return true;
}

static const char *parse_bracketed(const char *text, struct host *host)
{
    const char *end = strchr(text, ']');
    if (end == NULL || !set_name(host, text + 1, (size_t)(end - text - 1)) || !is_ipv6(host->name))
        return "no IPv6 address is in the brackets; write [2001:db8::1]:443";
    host->is_address = true;
    if (end[1] == '\0')
        return NULL;
    return end[1] == ':' && read_port(end + 2, &host->port)
               ? NULL
               : "what follows the brackets is no port; write :443, a number from 1 to 65535";
}

static const char *parse(const char *text, struct host *host)
{
    if (strstr(text, "://") != NULL)
        return "it is a URL; give its host alone, and its port behind a colon";
    if (text[0] == '[')
        return parse_bracketed(text, host);
    size_t length = strcspn(text, ":");
    if (!set_name(host, text, length))
        return "it is longer than a host name can be; give a name of at most 253 characters";
    if (strchr(text + length, ':') != strrchr(text, ':'))
        return "it has several colons and is no IPv6 address; write NAME:PORT, or [2001:db8::1]:443";
    if (text[length] == ':' && !read_port(text + length + 1, &host->port))
        return "what follows the colon is no port; give a number from 1 to 65535";
    host->is_address = is_ipv4(host->name);
    return host->is_address ? NULL : name_fault(host->name);
}

/* Of an IPv6 address without brackets the last colon may be that of a port. */
static bool say_brackets(const char *text, char *why, size_t size)
{
    const char *colon = strrchr(text, ':');
    char before[DOMAIN_NAME_MAX + 2];
    uint16_t port;
    if (text[0] == '[' || colon == NULL || (size_t)(colon - text) >= sizeof before)
        return false;
    snprintf(before, sizeof before, "%.*s", (int)(colon - text), text);
    bool whole = is_ipv6(text);
    bool has_port = is_ipv6(before) && read_port(colon + 1, &port);
    if (whole && has_port)
        snprintf(why, size,
                 "it may be an IPv6 address, or one and a port; write [%s]:%u, or [%s] for the address alone",
                 before, port, text);
    else if (whole)
        snprintf(why, size, "it is an IPv6 address without brackets; write [%s], or [%s]:443 with a port",
                 text, text);
    else if (has_port)
        snprintf(why, size, "it is an IPv6 address without brackets, and a port; write [%s]:%u", before,
                 port);
    return whole || has_port;
}

bool host_parse(const char *text, struct host *host, char *why, size_t size)
{
    memset(host, 0, sizeof *host);
    if (say_brackets(text, why, size))
        return false;
    const char *fault = parse(text, host);
    if (fault != NULL)
        snprintf(why, size, "%s", fault);
    return fault == NULL;
}

void host_format(const struct host *host, char label[HOST_LABEL_SIZE])
{
    bool brackets = host->is_address && strchr(host->name, ':') != NULL;
    int length =
        snprintf(label, HOST_LABEL_SIZE, "%s%s%s", brackets ? "[" : "", host->name, brackets ? "]" : "");
    if (host->port != 0)
        snprintf(label + length, HOST_LABEL_SIZE - (size_t)length, ":%u", host->port);
}
