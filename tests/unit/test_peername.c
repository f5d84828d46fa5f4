/* Who the peer of a connection is: preload/peername.c, with a libssl that answers what a test says. */
#include <criterion/criterion.h>
#include <string.h>

#include "preload/connection.h"
#include "preload/peername.h"
#include "preload/verifyname.h"

static const char *sni;
static const char *session_name; /* NULL: there is no session */
static const char *bio_host;     /* NULL: no connect BIO */
static const char *verify_names[16];
static bool in_before;
static bool memory_is_short;
static bool has_connection;
static struct connection connection;

void verifyname_each_host(const struct libssl *libssl, const SSL *ssl, params_visit *visit, void *context)
{
    (void)libssl;
    (void)ssl;
    for (size_t i = 0; verify_names[i] != NULL; i++)
        visit(verify_names[i], context);
}

static const char *verify_address; /* NULL: none */

void verifyname_address(const struct libssl *libssl, const SSL *ssl, params_visit *visit, void *context)
{
    (void)libssl;
    (void)ssl;
    if (verify_address != NULL)
        visit(verify_address, context);
}

struct connection *connection_of(const struct libssl *libssl, const SSL *ssl)
{
    (void)libssl;
    (void)ssl;
    return has_connection ? &connection : NULL;
}

struct connection *connection_make(const struct libssl *libssl, SSL *ssl)
{
    has_connection = has_connection || !memory_is_short;
    return connection_of(libssl, ssl);
}

static const char *get_servername(const SSL *ssl, int type)
{
    (void)ssl;
    (void)type;
    return sni;
}

static SSL_SESSION *get_session(const SSL *ssl)
{
    (void)ssl;
    return session_name == NULL ? NULL : (SSL_SESSION *)&session_name;
}

static int set_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    cr_expect_null(session);
    session_name = NULL;
    return 1;
}

static const char *get_hostname(const SSL_SESSION *session)
{
    (void)session;
    return session_name;
}

static int is_in_before(const SSL *ssl)
{
    (void)ssl;
    return in_before;
}

static int get_fd(const SSL *ssl)
{
    (void)ssl;
    return -1;
}

static BIO *get_rbio(const SSL *ssl)
{
    (void)ssl;
    return bio_host == NULL ? NULL : (BIO *)&bio_host;
}

static int type_of_bio(const BIO *bio)
{
    (void)bio;
    return OSSL_BIO_TYPE_CONNECT;
}

static long control_bio(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)command;
    (void)number;
    memcpy(pointer, &bio_host, sizeof bio_host);
    return 1;
}

static int mark(void)
{
    return 1;
}

static struct libssl libssl = {
    .fn = {.SSL_get_servername = get_servername,
           .SSL_get_session = get_session,
           .SSL_set_session = set_session,
           .SSL_SESSION_get0_hostname = get_hostname,
           .SSL_in_before = is_in_before,
           .SSL_get_fd = get_fd,
           .SSL_get_rbio = get_rbio,
           .BIO_method_type = type_of_bio,
           .BIO_ctrl = control_bio,
           .ERR_set_mark = mark,
           .ERR_pop_to_mark = mark},
};

static struct peer find(void)
{
    struct peer peer;
    memset(&peer, 0xff, sizeof peer);
    peer_find(&libssl, NULL, &peer);
    return peer;
}

static const char long_name[] =
    "aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa."
    "aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa."
    "aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa";

Test(peername, names_that_fit_are_all_there)
{
    static const char *const names[] = {"b", "A", "c", "", "d", "e", "f", "g", "h", "h.", "a"};
    sni = "a";
    memcpy(verify_names, names, sizeof names);
    struct peer peer = find();
    cr_expect_eq(peer.name_count, PEER_NAMES_MAX);
    cr_expect_not(peer.names_left_out);
    cr_expect_str_eq(peer.names[PEER_NAMES_MAX - 1].domain.text, "h");
}

Test(peername, one_name_too_many_is_told)
{
    static const char *const names[] = {"b", "c", "d", "e", "f", "g", "h", "i"};
    sni = "a";
    memcpy(verify_names, names, sizeof names);
    struct peer peer = find();
    cr_expect_eq(peer.name_count, PEER_NAMES_MAX);
    cr_expect(peer.names_left_out);
}

Test(peername, a_name_that_is_too_long_is_told)
{
    sni = "localhost";
    verify_names[0] = long_name;
    struct peer peer = find();
    cr_expect_eq(peer.name_count, 1);
    cr_expect(peer.names_left_out);
    cr_expect(peer.is_verified);
    verify_names[0] = NULL;
    cr_expect_not(find().names_left_out);
    sni = NULL;
    bio_host = long_name;
    peer = find();
    cr_expect(peer.names_left_out);
    cr_expect_eq(peer.names[0].domain.kind, DOMAIN_ALL);
    bio_host = "";
    cr_expect_not(find().names_left_out);
}

/* peer_has_sni() stands in for peer_find(), and so must agree with it. */
Test(peername, a_name_that_is_sent_is_told_apart_quickly)
{
    char longest[DOMAIN_NAME_MAX + 2];
    const char *const names[] = {"a.example", "192.0.2.1", "[2001:db8::1]", ".", "a.example.", "", NULL};
    struct peer peer;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sni = names[i];
        peer_find(&libssl, NULL, &peer);
        cr_expect_eq(peer_has_sni(&libssl, NULL), peer.names[0].how == PEER_HOW_SNI, "%s", names[i]);
    }
    memset(longest, 'a', sizeof longest);
    longest[DOMAIN_NAME_MAX] = '\0';
    sni = longest;
    cr_expect(peer_has_sni(&libssl, NULL));
    longest[DOMAIN_NAME_MAX] = 'a';
    longest[DOMAIN_NAME_MAX + 1] = '\0';
    cr_expect_not(peer_has_sni(&libssl, NULL));
}

Test(peername, hosts_are_found_before_the_rest)
{
    struct peer peer;
    verify_address = "192.0.2.1";
    peer_find_hosts(&libssl, NULL, &peer);
    cr_expect_eq(peer.name_count, 0);
    sni = "A.example";
    verify_names[0] = "A.example";
    verify_names[1] = "a.example.";
    verify_names[2] = "b.example";
    peer_find_hosts(&libssl, NULL, &peer);
    cr_assert_eq(peer.name_count, 2);
    cr_expect(peer.is_verified);
    cr_expect_str_eq(peer.names[0].domain.text, "a.example");
    cr_expect_eq(peer.names[0].how, PEER_HOW_SNI);
    cr_expect_str_eq(peer.names[1].domain.text, "b.example");
    peer_find_rest(&libssl, NULL, false, &peer);
    cr_expect_eq(peer.name_count, 2);
    peer_find_rest(&libssl, NULL, true, &peer);
    cr_assert_eq(peer.name_count, 3);
    cr_expect_eq(peer.names[2].domain.kind, DOMAIN_ADDRESS);
}

Test(peername, the_name_of_a_session_is_not_sent)
{
    session_name = "localhost";
    sni = session_name;
    in_before = true;
    cr_expect_eq(find().names[0].how, PEER_HOW_NONE);
    cr_assert(peer_begin(&libssl, NULL, true, true));
    in_before = false;
    cr_expect_eq(find().names[0].how, PEER_HOW_NONE, "nor after it was resumed");
    sni = "other";
    cr_expect_eq(find().names[0].how, PEER_HOW_SNI, "one that the program has set since");
    in_before = true;
    cr_assert(peer_begin(&libssl, NULL, true, true));
    in_before = false;
    sni = session_name;
    cr_expect_eq(find().names[0].how, PEER_HOW_SNI, "one of a handshake that did send a name");
}

Test(peername, a_session_that_cannot_be_noted_is_dropped)
{
    session_name = "localhost";
    sni = session_name;
    in_before = true;
    memory_is_short = true;
    cr_expect(peer_begin(&libssl, NULL, true, true));
    cr_expect_null(session_name);
}
