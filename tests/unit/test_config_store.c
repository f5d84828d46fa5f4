/* The section `store`, and which records the rules of a program name. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/address.h"
#include "tests/unit/support.h"

#define H1 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b851"
#define H2 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b852"

#define RULES(keys) "security: { pinned_public_keys = ( { domain = \"a\"; keys = " keys "; } ); };"

TestSuite(store_section, .init = fixture_make, .fini = fixture_clean);

/*
 * In the place of libc's, for this program: a resolver without a network, that counts what it is asked.
 * redis.test has two addresses, many.test more than are kept; other names ending in .test have none.
 */
static unsigned asked;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    __typeof__(&getaddrinfo) next = (__typeof__(&getaddrinfo))dlsym(RTLD_NEXT, "getaddrinfo");
    size_t length = node == NULL ? 0 : strlen(node);
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return next(node, service, hints, list);
    asked++;
    if (length < 5 || strcmp(node + length - 5, ".test") != 0)
        return next(node, service, hints, list);
    unsigned count = strcmp(node, "redis.test") == 0 ? 2 : strcmp(node, "many.test") == 0 ? 20 : 0;
    *list = NULL;
    for (unsigned i = 0; i < count; i++) {
        char address[32];
        struct addrinfo *item;
        snprintf(address, sizeof address, "192.0.2.%u", count - i);
        cr_assert_eq(next(address, service, hints, &item), 0);
        item->ai_next = *list;
        *list = item;
    }
    return count == 0 ? EAI_NONAME : 0;
}

/* A policy with these settings in the section; NULL: refused. */
static struct policy *with_store(const char *settings, const char *more)
{
    char text[4096];
    snprintf(text, sizeof text, "version = 1;\nstore: { %s };\n%s", settings, more);
    return load_text(&directory, text, &findings);
}

static struct policy *loaded(const char *settings, const char *more)
{
    struct policy *policy = with_store(settings, more);
    cr_assert_not_null(policy, "%s\n%s", settings, findings.text);
    return policy;
}

static void expect_refused(const char *settings, const char *name, const char *words)
{
    char where[256];
    struct policy *policy = with_store(settings, "");
    snprintf(where, sizeof where, "%s/policy.cfg:2: %s: ", directory.path, name);
    const char *message = strstr(findings.text, where);
    cr_expect_null(policy, "%s", settings);
    cr_expect(message != NULL && strstr(message, words) != NULL, "%s\n%s", settings, findings.text);
    cr_expect_eq(findings.errors, 1, "%s\n%s", settings, findings.text);
    policy_free(policy);
}

static void expect_defaults(const struct store_settings *store)
{
    cr_expect_eq(store->timeout_ms, 500);
    cr_expect_eq(store->cache_seconds, 300);
    cr_expect_eq(store->stale_seconds, 0);
    cr_expect(store->prefetch);
    cr_expect_eq(store->database, 0);
    cr_expect_null(store->username);
    cr_expect_null(store->password);
}

Test(store_section, what_is_not_said_has_a_default)
{
    static const char *const texts[] = {"version = 1;", "version = 1; store: { };",
                                        "version = 1; store: { type = \"directory\"; };"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct policy *policy = load_text(&directory, texts[i], &findings);
        cr_assert_not_null(policy, "%s", findings.text);
        cr_expect_eq(policy->store.type, STORE_DIRECTORY);
        cr_expect_str_eq(policy->store.path, "/etc/tlsgraft/certs");
        expect_defaults(&policy->store);
        cr_expect_null(policy->secret.data);
        cr_expect_null(policy->secret_from);
        cr_expect_str_eq(policy->organisation, "");
        policy_free(policy);
    }
    struct policy *policy = loaded("type = \"redis\";", "");
    const struct sockaddr_in *address = (const struct sockaddr_in *)&policy->store.addresses[0].address;
    cr_expect_eq(policy->store.type, STORE_REDIS);
    cr_expect_str_eq(policy->store.address, "127.0.0.1:6379");
    cr_assert_eq(policy->store.address_count, 1);
    cr_expect_eq(address->sin_family, AF_INET);
    cr_expect_eq(address->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    cr_expect_eq(address->sin_port, htons(6379));
    cr_expect_eq(policy->store.addresses[0].length, sizeof *address);
    expect_defaults(&policy->store);
    policy_free(policy);
}

Test(store_section, every_setting)
{
    char path[128];
    directory_text(&directory, "password", "hush\n");
    struct policy *policy = loaded(
        "type = \"redis\"; address = \"[::1]:7000\"; username = \"graft\"; password_file = \"password\"; "
        "database = 2147483647; timeout_ms = 10000; cache_seconds = 86400; stale_seconds = 604800; "
        "prefetch = false;",
        "");
    const struct store_settings *store = &policy->store;
    cr_expect_str_eq(store->address, "[::1]:7000");
    cr_expect_str_eq(store->username, "graft");
    cr_assert_eq(store->password_length, 4);
    cr_expect_arr_eq(store->password, "hush", 4);
    cr_expect_eq(store->database, 2147483647);
    cr_expect_eq(store->timeout_ms, 10000);
    cr_expect_eq(store->cache_seconds, 86400);
    cr_expect_eq(store->stale_seconds, 604800);
    cr_expect_not(store->prefetch);
    policy_free(policy);
    policy = loaded("type = \"directory\"; path = \"certs\"; timeout_ms = 1; cache_seconds = 0;", "");
    snprintf(path, sizeof path, "%s/certs", directory.path);
    cr_expect_str_eq(policy->store.path, path, "relative to the policy file");
    cr_expect_eq(policy->store.timeout_ms, 1);
    cr_expect_eq(policy->store.cache_seconds, 0);
    policy_free(policy);
}

Test(store_section, what_is_wrong_is_said)
{
    expect_refused("type = \"memcached\";", "type", "\"directory\" and \"redis\"");
    expect_refused("tpye = \"redis\";", "tpye", "did you mean \"type\"?");
    expect_refused("adress = \"a:1\";", "adress", "did you mean \"address\"?");
    expect_refused("pasword_file = \"x\";", "pasword_file", "did you mean \"password_file\"?");
    expect_refused("timeout = 1;", "timeout", "did you mean \"timeout_ms\"?");
    expect_refused("zebra = 1;", "zebra", "stale_seconds and prefetch");
    expect_refused("path = 1;", "path", "found a whole number");
    expect_refused("path = \"\";", "path", "empty");
    expect_refused("prefetch = 1;", "prefetch", "true or false");
    expect_refused("timeout_ms = 0;", "timeout_ms", "0; allowed is 1 to 10000");
    expect_refused("timeout_ms = 10001;", "timeout_ms", "allowed is 1 to 10000");
    expect_refused("cache_seconds = 86401;", "cache_seconds", "allowed is 0 to 86400");
    expect_refused("cache_seconds = -1;", "cache_seconds", "allowed is 0 to 86400");
    expect_refused("stale_seconds = 604801;", "stale_seconds", "allowed is 0 to 604800");
    expect_refused("type = \"redis\"; database = -1;", "database", "allowed is 0 to 2147483647");
    expect_refused("type = \"redis\"; username = \"\"; password_file = \"gone\";", "username", "empty");
    expect_refused("type = \"redis\"; username = \"a\";", "username", "without password_file");
    expect_refused("type = \"redis\"; password_file = \"\";", "password_file", "empty");
}

Test(store_section, a_setting_of_the_other_type_is_refused)
{
    expect_refused("type = \"redis\"; path = \"/x\";", "path",
                   "the store is of the type \"redis\"; write type = \"directory\", or remove it");
    expect_refused(
        "address = \"a:1\";", "address",
        "the store is of the type \"directory\" where no type is given; write type = \"redis\", or "
        "remove it");
    expect_refused("type = \"directory\"; username = \"a\";", "username", "write type = \"redis\"");
    expect_refused("type = \"directory\"; password_file = \"/a\";", "password_file",
                   "write type = \"redis\"");
    expect_refused("database = 0;", "database", "write type = \"redis\"");
}

Test(store_section, what_is_no_address)
{
    static const char *const wrong[][2] = {
        {"", "\"\" has no port"},
        {"localhost", "\"localhost\" has no port; write it behind a colon"},
        {"[::1]", "has no port; write it behind a colon"},
        {"127.0.0.1:", "no port from 1 to 65535"},
        {"127.0.0.1:0", "no port from 1 to 65535"},
        {"127.0.0.1:65536", "no port from 1 to 65535"},
        {"127.0.0.1:000006379", "no port from 1 to 65535"},
        {"127.0.0.1:6379 ", "no port from 1 to 65535"},
        {"127.0.0.1:redis", "no port from 1 to 65535"},
        {":6379", "has no host"},
        {"[]:6379", "has no host"},
        {"::1:6379", "several colons; write an IPv6 address in brackets"},
        {"redis://127.0.0.1:6379", "is a URL; allowed are host:port, [IPv6 address]:port and unix:/path"},
        {"/run/redis.sock", "is a path; write unix: before"},
        {"unix:redis.sock", "relative path"},
        {"unix:", "relative path"},
        {"[localhost]:6379", "no IPv6 address in its brackets"},
        {"[127.0.0.1]:6379", "no IPv6 address in its brackets"},
        {"a b:6379", "no name of a host"},
        {"a,b:6379", "no name of a host"},
        {"r\xc3\xa4.test:6379", "A-label (xn--...)"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char settings[256];
        snprintf(settings, sizeof settings, "type = \"redis\"; address = \"%s\";", wrong[i][0]);
        expect_refused(settings, "address", wrong[i][1]);
    }
    char settings[512] = "type = \"redis\"; address = \"", *end = settings + strlen(settings);
    memset(end, 'a', 254);
    strcpy(end + 254, ":1\";");
    expect_refused(settings, "address", "more than 253 characters");
    strcpy(end, "unix:/");
    memset(end + 6, 'a', 107);
    strcpy(end + 113, "\";");
    expect_refused(settings, "address", "allowed are 107 characters");
    cr_expect_eq(asked, 0);
}

Test(store_section, addresses_that_need_no_resolver)
{
    struct policy *policy =
        loaded("type = \"redis\"; address = \"unix:/run/redis.sock\";", RULES("\"" H1 "\""));
    const struct sockaddr_un *local = (const struct sockaddr_un *)&policy->store.addresses[0].address;
    cr_assert_eq(policy->store.address_count, 1);
    cr_expect_eq(local->sun_family, AF_UNIX);
    cr_expect_str_eq(local->sun_path, "/run/redis.sock");
    cr_expect_eq(policy->store.addresses[0].length, offsetof(struct sockaddr_un, sun_path) + 16);
    cr_expect_str_eq(policy->store.address, "unix:/run/redis.sock");
    policy_free(policy);
    policy = loaded("type = \"redis\"; address = \"[2001:db8::1]:65535\";", RULES("\"" H1 "\""));
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&policy->store.addresses[0].address;
    char text[INET6_ADDRSTRLEN];
    cr_assert_eq(policy->store.address_count, 1);
    cr_expect_str_eq(inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text), "2001:db8::1");
    cr_expect_eq(v6->sin6_port, htons(65535));
    cr_expect_eq(policy->store.addresses[0].length, sizeof *v6);
    policy_free(policy);
    cr_expect_eq(asked, 0);
}

Test(store_section, a_name_is_resolved_once_whatever_rules_there_are)
{
    /* The monitor of expiry has its cooldowns there. */
    static const char *const cases[] = {
        "",
        "mode = \"off\"; " RULES("\"o" H1 "\""),
        RULES("\"sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\""),
        "organisation = \"o\"; " RULES("[ \"o" H1 "\", \"o" H2 "\" ]"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asked = 0;
        struct policy *policy = loaded("type = \"redis\"; address = \"redis.test:6380\";", cases[i]);
        cr_expect_eq(asked, 1, "%s", cases[i]);
        cr_expect_eq(findings.unresolved, 0);
        /* Whoever asks for them again has them. */
        cr_expect_null(address_resolve(&policy->store));
        cr_expect_eq(asked, 1, "%s", cases[i]);
        cr_assert_eq(policy->store.address_count, 2);
        for (size_t k = 0; k < 2; k++) {
            const struct sockaddr_in *v4 = (const struct sockaddr_in *)&policy->store.addresses[k].address;
            char text[INET_ADDRSTRLEN];
            cr_expect_str_eq(inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text),
                             k == 0 ? "192.0.2.1" : "192.0.2.2", "in the resolver's order");
            cr_expect_eq(v4->sin_port, htons(6380));
        }
        policy_free(policy);
    }
}

Test(store_section, of_many_addresses_the_first_are_kept)
{
    struct policy *policy = loaded("type = \"redis\"; address = \"many.test:1\";", RULES("\"" H1 "\""));
    cr_expect_eq(policy->store.address_count, STORE_ADDRESSES_MAX);
    policy_free(policy);
}

Test(store_section, a_name_without_an_address_is_a_warning)
{
    struct policy *policy = loaded("type = \"redis\"; address = \"none.test:1\";", RULES("\"" H1 "\""));
    cr_expect_eq(findings.warnings, 1);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:2: address: \"none.test:1\" cannot be resolved: "),
                       "%s", findings.text);
    cr_expect_eq(policy->store.address_count, 0);
    policy_free(policy);
    /* One that is refused for something else asks nobody. */
    asked = 0;
    cr_expect_null(with_store("type = \"redis\"; address = \"none.test:1\";", "x = 1;" RULES("\"" H1 "\"")));
    cr_expect_eq(asked, 0);
    struct store_settings place = {.type = STORE_DIRECTORY};
    cr_expect_null(address_resolve(&place), "a directory has none");
}

static void hear_nothing(void *context, enum config_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    (void)text;
}

static struct policy *reloaded(const char *store, const struct policy *before)
{
    static const struct config_report report = {hear_nothing, NULL};
    char text[1024];
    snprintf(text, sizeof text, "version = 1; store: { %s }; " RULES("\"" H1 "\""), store);
    const char *path = directory_text(&directory, "policy.cfg", text);
    return config_reload(path, no_environment, &report, NULL, before);
}

Test(store_section, a_policy_that_is_read_again_keeps_the_addresses_of_its_store)
{
    static const char here[] = "type = \"redis\"; address = \"redis.test:6380\";";
    struct policy *before = loaded(here, RULES("\"" H1 "\""));
    asked = 0;
    struct policy *same = reloaded(here, before);
    cr_expect_eq(asked, 0);
    cr_assert_eq(same->store.address_count, 2);
    cr_expect_arr_eq(same->store.addresses, before->store.addresses, 2 * sizeof *same->store.addresses);
    struct policy *other = reloaded("type = \"redis\"; address = \"redis.test:6381\";", before);
    cr_expect_eq(asked, 1, "another address");
    before->store.address_count = 0;
    struct policy *again = reloaded(here, before);
    cr_expect_eq(asked, 2, "it was not found before");
    cr_expect_eq(again->store.address_count, 2);
    policy_free(before);
    policy_free(same);
    policy_free(other);
    policy_free(again);
}

static void expect_ids(const struct policy *policy, const struct section *section, const char *expected)
{
    const char *ids[8];
    char all[1024] = "";
    size_t count = policy_ids(policy, section, NULL);
    cr_assert_leq(count, 8);
    cr_expect_eq(policy_ids(policy, section, ids), count);
    for (size_t i = 0; i < count; i++)
        strcat(strcat(all, ids[i]), " ");
    cr_expect_str_eq(all, expected);
}

Test(store_section, the_ids_that_the_rules_of_a_program_name)
{
    struct policy *policy = load_text(&directory,
                                      "version = 1; organisation = \"o\"; security: { pinned_public_keys = ( "
                                      "{ domain = \"a\"; keys = \"d,b\"; }, "
                                      "{ domain = \"b\"; keys = [ \"b\", \"a\", "
                                      "\"sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\" ]; },"
                                      " { domain = \"c\"; mode = \"off\"; keys = \"off\"; } ); };\n"
                                      "programs = ( { name = \"x\"; match = \"x\"; pinned_public_keys = ( { "
                                      "domain = \"a\"; keys = \"e,b,c,e\"; } "
                                      "); }, { name = \"y\"; match = \"y\"; certificate_pinning_disabled = "
                                      "true; pinned_public_keys = ( { domain = "
                                      "\"a\"; keys = \"f\"; } ); }, { name = \"z\"; match = \"z\"; "
                                      "pinned_public_keys = ( { domain = \"a\"; keys = "
                                      "\"a,b\"; } ); } );",
                                      &findings);
    cr_assert_not_null(policy, "%s", findings.text);
    expect_ids(policy, NULL, "a b d ");
    expect_ids(policy, &policy->sections[0], "a b d c e ");
    expect_ids(policy, &policy->sections[1], "a b d ");
    expect_ids(policy, &policy->sections[2], "a b d ");
    policy_free(policy);
    policy = load_text(&directory, "version = 1;", &findings);
    expect_ids(policy, NULL, "");
    policy_free(policy);
}
