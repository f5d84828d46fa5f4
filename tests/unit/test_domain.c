#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "policy/domain.h"

static const struct {
    const char *pattern;
    enum domain_kind kind;
    unsigned port;
    const char *again; /* as domain_format() writes it */
} good[] = {
    {"example.com", DOMAIN_NAME, 0, "example.com"},
    {"EXAMPLE.Com.", DOMAIN_NAME, 0, "example.com"},
    {"example.com:8443", DOMAIN_NAME, 8443, "example.com:8443"},
    {"example.com.:8443", DOMAIN_NAME, 8443, "example.com:8443"},
    {"localhost", DOMAIN_NAME, 0, "localhost"},
    {"under_score.example", DOMAIN_NAME, 0, "under_score.example"},
    {"xn--bcher-kva.example", DOMAIN_NAME, 0, "xn--bcher-kva.example"},
    {"*.wild.com", DOMAIN_ONE, 0, "*.wild.com"},
    {"*.wild.com:1", DOMAIN_ONE, 1, "*.wild.com:1"},
    {"**.wild.com", DOMAIN_MANY, 0, "**.wild.com"},
    {"**.wild.com:65535", DOMAIN_MANY, 65535, "**.wild.com:65535"},
    {"*", DOMAIN_ALL, 0, "*"},
    {"*:443", DOMAIN_ALL, 443, "*:443"},
    {"10.0.0.5", DOMAIN_ADDRESS, 0, "10.0.0.5"},
    {"10.0.0.5:443", DOMAIN_ADDRESS, 443, "10.0.0.5:443"},
    {"[2001:db8::1]", DOMAIN_ADDRESS, 0, "2001:db8::1"},
    {"[2001:DB8:0::1]:443", DOMAIN_ADDRESS, 443, "[2001:db8::1]:443"},
    {"[::ffff:10.0.0.5]", DOMAIN_ADDRESS, 0, "10.0.0.5"},
};

Test(domain, patterns_are_read)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct domain domain;
        char why[256] = "", text[DOMAIN_TEXT_SIZE];
        cr_expect(domain_parse(good[i].pattern, &domain, why, sizeof why), "%s: %s", good[i].pattern, why);
        domain_format(&domain, text);
        cr_expect_eq(domain.kind, good[i].kind, "%s", good[i].pattern);
        cr_expect_eq(domain.port, good[i].port, "%s", good[i].pattern);
        cr_expect_str_eq(text, good[i].again);
    }
}

static const struct {
    const char *pattern;
    const char *words;
} bad[] = {
    {"", "empty"},
    {"b\xc3\xbc"
     "cher.example",
     "A-label"},
    {"a.*.example", "a * within"},
    {"a*.example", "a * within"},
    {"***.example", "a * within"},
    {"*.", "empty label"},
    {"*example.com", "a * within"},
    {".example.com", "empty label"},
    {"a..example", "empty label"},
    {"example.com:0", "bad port"},
    {"example.com:65536", "bad port"},
    {"example.com:", "bad port"},
    {"example.com:http", "bad port"},
    {"2001:db8::1", "brackets"},
    {"[2001:db8::1", "no IPv6 address"},
    {"[10.0.0.5]", "no IPv6 address"},
    {"[fe80::1%eth0]", "no IPv6 address"},
    {"https://example.com/", "URL"},
    {"example.com/path", "URL"},
    {"a.example,b.example", "array"},
    {"10.0.0.256",
     "no IPv4 address; allowed is a name such as api.example.com, or an address such as 10.0.0.5"},
    {"10.0.0.0/8", "is a network, and networks are not supported; list addresses or names"},
    {"[2001:db8::]/32", "is a network, and networks are not supported"},
    {"2001:db8::/32", "is a network, and networks are not supported"},
    {"a.example/8", "a URL or path"},
    {"a.example ", "is a name with spaces around it; remove them"},
    {"\ta.example", "is a name with spaces around it; remove them"},
    {"exa mple.com", "array"},
    {"example.com\n", "character"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com", "63"},
};

Test(domain, what_is_no_pattern_is_refused_with_its_own_words)
{
    char long_name[300], why[256];
    struct domain domain;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why[0] = '\0';
        cr_expect_not(domain_parse(bad[i].pattern, &domain, why, sizeof why), "%s", bad[i].pattern);
        cr_expect_not_null(strstr(why, bad[i].words), "%s: %s", bad[i].pattern, why);
    }
    for (size_t length = 250; length < 299; length++) {
        for (size_t i = 0; i < length; i++)
            long_name[i] = i % 10 == 9 ? '.' : 'a';
        long_name[length - 1] = 'a';
        long_name[length] = '\0';
        cr_expect_eq(domain_parse(long_name, &domain, why, sizeof why), length <= 253, "%zu", length);
    }
}

Test(domain, what_a_program_calls_its_peer)
{
    static const char *const pairs[][2] = {
        {"A.Example.COM.", "a.example.com"},
        {"10.0.0.5", "10.0.0.5"},
        {"::ffff:10.0.0.5", "10.0.0.5"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"w\xff\x01", "w\xff\x01"},
        {"10.0.0.5.", "10.0.0.5"},
        {"[2001:db8::1].", "2001:db8::1"},
        {".", "."},
    };
    struct domain domain;
    char text[DOMAIN_TEXT_SIZE], long_name[300];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        cr_assert(domain_from_peer(pairs[i][0], &domain));
        domain_format(&domain, text);
        cr_expect_str_eq(text, pairs[i][1]);
    }
    cr_expect_not(domain_from_peer("", &domain));
    memset(long_name, 'a', 255);
    long_name[255] = '\0';
    cr_expect_not(domain_from_peer(long_name, &domain));
    long_name[254] = '\0';
    cr_expect_not(domain_from_peer(long_name, &domain));
    long_name[253] = '.';
    cr_expect(domain_from_peer(long_name, &domain));
    cr_expect_eq(domain.length, 253);
}

Test(domain, the_unspecified_address_reaches_the_loopback)
{
    static const char *const pairs[][2] = {
        {"0.0.0.0", "127.0.0.1"}, {"::ffff:0.0.0.0", "127.0.0.1"}, {"::", "::1"}, {"0.0.0.1", "0.0.0.1"},
        {"::2", "::2"},           {"10.0.0.0", "10.0.0.0"},
    };
    struct domain domain;
    char text[DOMAIN_TEXT_SIZE];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        cr_assert(domain_from_peer(pairs[i][0], &domain));
        domain_as_reached(&domain);
        domain_format(&domain, text);
        cr_expect_str_eq(text, pairs[i][1]);
    }
}

Test(domain, the_address_of_a_socket)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(8443)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    struct domain a, b;
    uint16_t port;
    inet_pton(AF_INET, "10.0.0.5", &v4.sin_addr);
    inet_pton(AF_INET6, "::ffff:10.0.0.5", &v6.sin6_addr);
    cr_assert(domain_from_sockaddr((struct sockaddr *)&v4, &a, &port));
    cr_expect_eq(port, 8443);
    cr_assert(domain_from_sockaddr((struct sockaddr *)&v6, &b, &port));
    cr_expect_eq(port, 443);
    cr_expect_eq(memcmp(a.text, b.text, DOMAIN_ADDRESS_BYTES), 0);
    cr_expect_not(domain_from_sockaddr(&unix_socket, &a, &port));
}
