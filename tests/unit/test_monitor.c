/* The monitor: what it tells of a certificate, how often, and what it leaves alone. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/monitor.h"
#include "tests/unit/record_support.h"
#include "tests/unit/support.h"

enum { FIXTURE_DAYS = 30 };

static char events[128], log_path[128], state[128];
static struct reporter reporter;
static struct policy policy;

static void make(void)
{
    record_fixture_make();
    snprintf(events, sizeof events, "%s/events", directory.path);
    snprintf(log_path, sizeof log_path, "%s/log", directory.path);
    snprintf(state, sizeof state, "%s/state", directory.path);
    reporter = (struct reporter){.level = LOG_LEVEL_INFO, .log_file = log_path, .limit = EVENT_LIMIT_INITIAL};
    policy = (struct policy){.path = "/etc/tlsgraft/policy.cfg",
                             .state_directory = state,
                             .store = {.timeout_ms = 500},
                             .expiry = {FIXTURE_DAYS, 0, 1000},
                             .events = {.file = events}};
}

TestSuite(monitor, .init = make, .fini = fixture_clean);

/* A certificate with the key of the fixture, that ends `days` from now on. */
static X509 *certificate(const char *name, const char *subject, int days)
{
    const struct ossl *ossl = crypto_table();
    struct content der = shell("openssl req -new -key key.pem -subj '%s' -out %s.csr 2>/dev/null && "
                               "openssl x509 -req -in %s.csr -CA cert.pem -CAkey key.pem -set_serial 1 -days "
                               "%d -outform DER 2>/dev/null",
                               subject, name, name, days);
    const unsigned char *at = (const unsigned char *)der.text;
    X509 *x = ossl->d2i_X509(NULL, &at, (long)der.length);
    cr_assert_not_null(x);
    return x;
}

static void check(X509 *x, enum certificate_role role)
{
    struct records_wait wait = {0};
    const struct monitored monitored = {.ossl = crypto_table(),
                                        .certificate = x,
                                        .role = role,
                                        .domain = "api.example",
                                        .port = 443,
                                        .peer_address = "192.0.2.1"};
    monitor_check(&reporter, &policy, &monitored, &wait);
}

/* Line `number` of the events, from 0; NULL: there are not so many. */
static json_t *event(size_t number)
{
    FILE *file = fopen(events, "r");
    char line[4096];
    json_t *found = NULL;
    for (size_t i = 0; file != NULL && fgets(line, sizeof line, file) != NULL; i++) {
        if (i == number)
            found = json_loads(line, JSON_ALLOW_NUL, NULL);
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value == NULL ? "" : value;
}

Test(monitor, one_that_expires_soon)
{
    X509 *x = certificate("soon", "/CN=soon.test", 3);
    char id[65];
    check(x, CERTIFICATE_SERVER);
    const json_t *found = event(0);
    cr_assert_not_null(found);
    cr_expect_str_eq(text(found, "event"), "CertificateExpiringSoon");
    cr_expect_str_eq(text(found, "level"), "warning");
    cr_expect(strncmp(text(found, "message"), "Certificate soon.test is expiring in ", 37) == 0);
    cr_expect_str_eq(text(found, "cert_name"), "soon.test");
    cr_expect_str_eq(text(found, "cert_role"), "server");
    cr_expect_str_eq(text(found, "domain"), "api.example");
    cr_expect_eq(json_integer_value(json_object_get(found, "port")), 443);
    cr_expect_str_eq(text(found, "peer_address"), "192.0.2.1");
    cr_expect_str_eq(text(found, "policy"), "/etc/tlsgraft/policy.cfg");
    cr_expect_null(json_object_get(found, "mode"));
    struct pin digest;
    unsigned char *der = NULL;
    int length = crypto_table()->i2d_X509(x, &der);
    const struct piece piece = {der, (size_t)length};
    cr_assert(ossl_sha256(crypto_table(), &piece, 1, digest.sha256));
    for (size_t i = 0; i < sizeof digest.sha256; i++)
        snprintf(id + 2 * i, 3, "%02x", digest.sha256[i]);
    cr_expect_str_eq(text(found, "cert_id"), id);
    check(x, CERTIFICATE_SERVER);
    check(x, CERTIFICATE_UPSTREAM);
    cr_expect_null(event(1), "the cooldown of the event runs");
}

Test(monitor, one_that_has_expired)
{
    check(certificate("old", "/CN=old.test", -1), CERTIFICATE_UPSTREAM);
    const json_t *found = event(0);
    cr_assert_not_null(found);
    cr_expect_str_eq(text(found, "event"), "CertificateExpired");
    cr_expect_str_eq(text(found, "level"), "error");
    cr_expect_str_eq(text(found, "message"), "Certificate old.test is expired since 1 days");
    cr_expect_eq(json_integer_value(json_object_get(found, "days_since_expiry")), 1);
    cr_expect_str_eq(text(found, "cert_role"), "upstream");
}

Test(monitor, certificates_do_not_hold_each_other_back)
{
    X509 *x = certificate("old", "/CN=old.test", -1);
    X509 *other = certificate("other", "/CN=other.test", -1);
    check(x, CERTIFICATE_SERVER);
    check(other, CERTIFICATE_SERVER);
    check(certificate("soon", "/CN=soon.test", 3), CERTIFICATE_SERVER);
    cr_assert_not_null(event(2));
    cr_expect_str_eq(text(event(2), "event"), "CertificateExpiringSoon");
    check(x, CERTIFICATE_SERVER);
    check(other, CERTIFICATE_SERVER);
    cr_expect_null(event(3));
}

Test(monitor, far_ones_leave_nothing)
{
    X509 *x = certificate("far", "/CN=far.test", FIXTURE_DAYS + 1);
    cr_expect_not(monitor_is_needed(&policy, crypto_table(), x));
    check(x, CERTIFICATE_SERVER);
    policy.expiry.threshold_days = 0;
    check(certificate("soon", "/CN=soon.test", 3), CERTIFICATE_SERVER);
    cr_expect_neq(access(events, F_OK), 0);
    cr_expect_neq(access(state, F_OK), 0);
}

Test(monitor, the_check_has_a_cooldown_of_its_own)
{
    X509 *x = certificate("old", "/CN=old.test", -1);
    policy.expiry.event_cooldown_seconds = 0;
    check(x, CERTIFICATE_SERVER);
    check(x, CERTIFICATE_SERVER);
    cr_expect_not_null(event(1), "an event at every check");
    policy.expiry.check_cooldown_seconds = 1000;
    check(x, CERTIFICATE_SERVER);
    cr_expect_not_null(event(2), "the check that begins it");
    check(x, CERTIFICATE_SERVER);
    cr_expect_null(event(3));
}

static size_t times_in_log(const char *words)
{
    char line[4096];
    size_t times = 0;
    FILE *file = fopen(log_path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        times += strstr(line, words) != NULL;
    if (file != NULL)
        fclose(file);
    return times;
}

/* Where a machine has a syslog daemon that takes it, nothing is lost. */
Test(monitor, what_no_sink_took_is_raised_again)
{
    X509 *x = certificate("old", "/CN=old.test", -1);
    if (access("/dev/log", F_OK) == 0)
        cr_skip_test("syslog would take it");
    policy.expiry.check_cooldown_seconds = 1000;
    policy.events.file = "/dev/null/events";
    check(x, CERTIFICATE_SERVER);
    check(x, CERTIFICATE_SERVER);
    cr_expect_eq(times_in_log("CertificateExpired: Certificate old.test is"), 1, "once in a minute");
    cr_expect_eq(
        times_in_log("CertificateExpired: the event went nowhere: no sink of the policy takes it, and "
                     "syslog does not take it: /dev/log: "),
        1, "once in a minute");
    policy.events.file = events;
    check(x, CERTIFICATE_SERVER);
    cr_expect_not_null(event(0));
    cr_expect_eq(times_in_log("CertificateExpired: Certificate old.test is"), 2);
    check(x, CERTIFICATE_SERVER);
    cr_expect_null(event(1));
}

Test(monitor, that_cooldowns_are_not_shared_is_said_with_an_event)
{
    policy.state_directory = "/dev/null";
    policy.expiry.check_cooldown_seconds = 1000;
    check(certificate("far", "/CN=far.test", FIXTURE_DAYS + 1), CERTIFICATE_SERVER);
    cr_expect_eq(times_in_log("cannot share its cooldowns"), 0);
    check(certificate("old", "/CN=old.test", -1), CERTIFICATE_SERVER);
    check(certificate("other", "/CN=other.test", -1), CERTIFICATE_SERVER);
    cr_expect_not_null(event(1));
    cr_expect_eq(times_in_log("cannot share its cooldowns: /dev/null is no directory"), 1);
}

Test(monitor, names)
{
    static const struct {
        const char *subject, *name;
    } cases[] = {
        {"/CN=first/CN=last", "last"},
        {"/CN=a \"quoted\" name", "a \"quoted\" name"},
        {"/O=nobody", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%zu", i);
        check(certificate(name, cases[i].subject, -1), CERTIFICATE_SERVER);
        cr_assert_not_null(event(i), "%s", cases[i].subject);
        cr_expect_str_eq(text(event(i), "cert_name"), cases[i].name);
    }
    cr_expect_str_eq(text(event(2), "message"), "Certificate  is expired since 1 days");
    struct content der = shell("openssl req -x509 -key key.pem -subj /O=x -addext "
                               "subjectAltName=IP:192.0.2.1,DNS:one.test,DNS:two.test -days 1 -outform DER");
    const unsigned char *at = (const unsigned char *)der.text;
    check(crypto_table()->d2i_X509(NULL, &at, (long)der.length), CERTIFICATE_SERVER);
    cr_expect_str_eq(text(event(3), "cert_name"), "one.test");
}

Test(monitor, errno_and_the_error_queue_are_the_hosts)
{
    const struct ossl *ossl = crypto_table();
    X509 *x = certificate("old", "/O=nobody", -1);
    const unsigned char *at = (const unsigned char *)"x";
    cr_assert_null(ossl->d2i_X509(NULL, &at, 1));
    unsigned long before = ossl->ERR_peek_last_error();
    cr_assert_neq(before, 0);
    errno = EDOM;
    check(x, CERTIFICATE_SERVER);
    cr_expect_eq(errno, EDOM);
    cr_expect_eq(ossl->ERR_peek_last_error(), before);
    cr_expect(monitor_is_needed(&policy, ossl, x));
    cr_expect_eq(ossl->ERR_peek_last_error(), before);
    cr_expect_not_null(event(0));
}
