#include "policy/domain.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/text.h"

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void set_address(struct domain *domain, const void *bytes, size_t length)
{
    domain->kind = DOMAIN_ADDRESS;
    domain->length = DOMAIN_ADDRESS_BYTES;
    memcpy(domain->text, mapped_prefix, sizeof mapped_prefix);
    memcpy(domain->text + DOMAIN_ADDRESS_BYTES - length, bytes, length);
}

/* `text` is NUL-terminated; false if it is no address. */
static bool parse_address(const char *text, struct domain *domain)
{
    struct in_addr v4;
    struct in6_addr v6;
    /* Nearly all texts are names, and what tells them apart costs less than asking for each. */
    if (is_digit(text[0]) && inet_pton(AF_INET, text, &v4) == 1)
        set_address(domain, &v4, sizeof v4);
    else if (strchr(text, ':') != NULL && inet_pton(AF_INET6, text, &v6) == 1)
        set_address(domain, &v6, sizeof v6);
    else
        return false;
    return true;
}

/* Takes `:port` off the end of `text`. False: there is one and it is not 1..65535. */
static bool split_port(char *text, uint16_t *port)
{
    char *colon = strrchr(text, ':');
    unsigned value = 0;
    *port = 0;
    if (colon == NULL || strchr(colon, ']') != NULL)
        return true;
    const char *digit = colon + 1;
    for (; is_digit(*digit) && value <= UINT16_MAX; digit++)
        value = 10 * value + (unsigned)(*digit - '0');
    if (*digit != '\0' || value == 0 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    *colon = '\0';
    return true;
}

/* What is wrong with a name in a pattern; NULL if nothing is. `name` is in lower case. */
static const char *name_fault(const char *name)
{
    size_t label = 0;
    const char *last = name;
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            return "a name that is not ASCII; write its A-label (xn--...)";
        if (*c == '*')
            return "a * within a name; allowed are \"*.\" or \"**.\" at the beginning, or \"*\" alone";
        if (*c == '/')
            return "a URL or path; write the host name alone";
        if (*c == ',' || *c == ' ')
            return "several names in one text; write an array, [ \"a.example\", \"b.example\" ]";
        if (*c == '.') {
            if (label == 0)
                return "an empty label; allowed is a name such as api.example.com";
            label = 0;
            last = c + 1;
            continue;
        }
        if (!is_digit(*c) && !(*c >= 'a' && *c <= 'z') && *c != '-' && *c != '_')
            return "a character that no host name has; allowed are letters, digits, '-', '_' and '.'";
        if (++label > 63)
            return "a label of more than 63 characters";
    }
    if (label == 0)
        return "an empty label; allowed is a name such as api.example.com";
    if (last[strspn(last, "0123456789")] == '\0')
        return "a name that ends in a number and is no IPv4 address; allowed is a name such as "
               "api.example.com, or an address such as 10.0.0.5";
    return NULL;
}

/* `10.0.0.0/8`, `[2001:db8::]/32`. */
static bool is_network(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    struct domain unused;
    const char *slash = strchr(text, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - text);
    if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    return parse_address(address, &unused);
}

static bool fail(char *why, size_t size, const char *pattern, const char *fault)
{
    snprintf(why, size, "\"%.80s\" is %s", pattern, fault);
    return false;
}

bool domain_parse(const char *pattern, struct domain *domain, char *why, size_t size)
{
    char text[DOMAIN_NAME_MAX + sizeof "**.:65535" + 2];
    size_t length = strlen(pattern);
    *domain = (struct domain){.kind = DOMAIN_NAME};
    if (length == 0)
        return fail(why, size, pattern, "empty; allowed is a name, a wildcard or an address");
    if (length >= sizeof text)
        return fail(why, size, pattern, "too long; a host name has at most 253 characters");
    for (size_t i = 0; i <= length; i++)
        text[i] = text_lower(pattern[i]);

    if (strchr(" \t", text[0]) != NULL || strchr(" \t", text[length - 1]) != NULL)
        return fail(why, size, pattern, "a name with spaces around it; remove them");
    if (is_network(text))
        return fail(why, size, pattern, "a network, and networks are not supported; list addresses or names");
    struct in6_addr bare;
    if (inet_pton(AF_INET6, text, &bare) == 1)
        return fail(why, size, pattern,
                    "an IPv6 address without brackets; write [address] or [address]:port");
    if (strstr(text, "://") != NULL)
        return fail(why, size, pattern, "a URL or path; write the host name alone");
    if (!split_port(text, &domain->port))
        return fail(why, size, pattern, "a name with a bad port; allowed is 1 to 65535");

    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (end == NULL || end[1] != '\0')
            return fail(why, size, pattern, "no IPv6 address; allowed is [address] or [address]:port");
        *end = '\0';
        if (strchr(text, ':') == NULL || !parse_address(text + 1, domain))
            return fail(why, size, pattern, "no IPv6 address; allowed is [address] or [address]:port");
        return true;
    }
    if (parse_address(text, domain))
        return true;
    if (strcmp(text, "*") == 0) {
        domain->kind = DOMAIN_ALL;
        return true;
    }

    const char *name = text;
    if (strncmp(name, "*.", 2) == 0) {
        domain->kind = DOMAIN_ONE;
        name += 2;
    } else if (strncmp(name, "**.", 3) == 0) {
        domain->kind = DOMAIN_MANY;
        name += 3;
    }
    length = strlen(name);
    if (length > 1 && name[length - 1] == '.')
        text[name - text + (ptrdiff_t)--length] = '\0';
    const char *fault = name_fault(name);
    if (fault != NULL)
        return fail(why, size, pattern, fault);
    if (length > DOMAIN_NAME_MAX)
        return fail(why, size, pattern, "too long; a host name has at most 253 characters");
    domain->length = (uint8_t)length;
    memcpy(domain->text, name, length + 1);
    return true;
}

/* Takes the final dot off a text of `*length`, or the brackets around an address, which goes to `domain`:
 * true. */
static bool strip(char *text, size_t *length, struct domain *domain)
{
    if (*length > 1 && text[*length - 1] == '.')
        text[--*length] = '\0';
    if (text[0] != '[' || text[*length - 1] != ']')
        return false;
    text[*length - 1] = '\0';
    if (parse_address(text + 1, domain))
        return true;
    text[*length - 1] = ']';
    return false;
}

/* Eight bytes at once, which a compiler makes one operation of: one by one they are a sixth of a lookup. */
static void copy_lower(char *to, const char *from, size_t length)
{
    enum { STEP = 8 };
    for (; length >= STEP; length -= STEP, to += STEP, from += STEP) {
        char step[STEP];
        memcpy(step, from, STEP);
        for (size_t i = 0; i < STEP; i++)
            step[i] = text_lower(step[i]);
        memcpy(to, step, STEP);
    }
    for (size_t i = 0; i < length; i++)
        to[i] = text_lower(from[i]);
}

bool domain_from_peer(const char *peer, struct domain *domain)
{
    char text[DOMAIN_NAME_MAX + 2];
    size_t length = strlen(peer);
    domain->kind = DOMAIN_NAME;
    domain->port = 0;
    domain->length = 0;
    domain->text[0] = '\0';
    if (length == 0 || length >= sizeof text)
        return false;
    if (peer[0] == '[' || peer[length - 1] == '.') {
        peer = memcpy(text, peer, length + 1);
        if (strip(text, &length, domain))
            return true;
    }
    if (parse_address(peer, domain))
        return true;
    if (length > DOMAIN_NAME_MAX)
        return false;
    domain->length = (uint8_t)length;
    copy_lower(domain->text, peer, length);
    domain->text[length] = '\0';
    return true;
}

bool domain_from_sockaddr(const struct sockaddr *address, struct domain *domain, uint16_t *port)
{
    *domain = (struct domain){.kind = DOMAIN_ADDRESS};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        set_address(domain, &v4.sin_addr, sizeof v4.sin_addr);
        *port = ntohs(v4.sin_port);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        set_address(domain, &v6.sin6_addr, sizeof v6.sin6_addr);
        *port = ntohs(v6.sin6_port);
        return true;
    }
    return false;
}

void domain_as_reached(struct domain *address)
{
    static const unsigned char any_v6[DOMAIN_ADDRESS_BYTES] = {0};
    static const unsigned char any_v4[4] = {0};
    unsigned char *bytes = (unsigned char *)address->text;
    unsigned char *v4 = bytes + sizeof mapped_prefix;
    if (memcmp(bytes, any_v6, sizeof any_v6) == 0)
        bytes[DOMAIN_ADDRESS_BYTES - 1] = 1;
    else if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0 &&
             memcmp(v4, any_v4, sizeof any_v4) == 0)
        v4[0] = 127, v4[3] = 1;
}

/* As inet_ntop(3) writes IPv4; that of glibc needs a snprintf(3), a thousand instructions for each peer. */
static char *format_v4(const unsigned char bytes[4], char *text)
{
    for (size_t i = 0; i < 4; i++) {
        unsigned byte = bytes[i];
        if (byte >= 100)
            *text++ = (char)('0' + byte / 100);
        if (byte >= 10)
            *text++ = (char)('0' + byte / 10 % 10);
        *text++ = (char)('0' + byte % 10);
        *text++ = '.';
    }
    *--text = '\0';
    return text;
}

/* With brackets where a port follows an IPv6 address. */
static char *format_address(const struct domain *domain, char *text)
{
    if (memcmp(domain->text, mapped_prefix, sizeof mapped_prefix) == 0)
        return format_v4((const unsigned char *)domain->text + sizeof mapped_prefix, text);
    if (domain->port != 0)
        *text++ = '[';
    inet_ntop(AF_INET6, domain->text, text, INET6_ADDRSTRLEN);
    text += strlen(text);
    if (domain->port != 0)
        *text++ = ']';
    *text = '\0';
    return text;
}

void domain_format(const struct domain *domain, char text[DOMAIN_TEXT_SIZE])
{
    static const char *const before[] = {
        [DOMAIN_NAME] = "",    [DOMAIN_ADDRESS] = "", [DOMAIN_ONE] = "*.",
        [DOMAIN_MANY] = "**.", [DOMAIN_ALL] = "*",
    };
    char *end = stpcpy(text, before[domain->kind]);
    end = domain->kind == DOMAIN_ADDRESS ? format_address(domain, end) : stpcpy(end, domain->text);
    if (domain->port != 0)
        snprintf(end, sizeof ":65535", ":%u", domain->port);
}

uint32_t domain_hash(const struct domain *domain)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < domain->length; i++)
        hash = (hash ^ (unsigned char)domain->text[i]) * 16777619U;
    return hash;
}
