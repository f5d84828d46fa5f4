/* Events as lines of JSON: the keys in the order of the contract, whatever stands in them. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/event.h"
#include "tests/unit/support.h"

static char events[128], log_file[128];
static struct reporter reporter = {.limit = EVENT_LIMIT_INITIAL};

static void make(void)
{
    directory_make(&directory);
    snprintf(events, sizeof events, "%s/events", directory.path);
    snprintf(log_file, sizeof log_file, "%s/log", directory.path);
    reporter.level = LOG_LEVEL_ERROR;
    reporter.log_file = log_file;
    reporter.program = "/usr/bin/\xffprogram";
}

static void clean(void)
{
    directory_remove(&directory);
}

TestSuite(event, .init = make, .fini = clean);

static void raise_mismatch(const char *domain, const struct event_sinks *sinks)
{
    static struct pin pin;
    static const struct source at = {"/etc/tlsgraft/policy.cfg", 12};
    struct key key = {.kind = KEY_PIN, .pin = {{1}}};
    struct pin_rule rule = {.keys = &key, .key_count = 1};
    static struct policy policy;
    struct requirement requirement = {.policy = &policy, .match = {.rule = &rule}};
    const struct event event = {
        .kind = EVENT_PIN_MISMATCH,
        .message = "wrong \"key\"\n\x1b[31m",
        .domain = domain,
        .port = 8443,
        .peer_address = "127.0.0.1",
        .rule = &at,
        .mode = MODE_ENFORCE,
        .reason = REASON_MISMATCH,
        .presented = &pin,
        .expected = &requirement,
        .policy_path = "/etc/tlsgraft/policy.cfg",
    };
    event_raise(&reporter, sinks, &event);
}

Test(event, keys_and_their_order)
{
    static const char *const order[] = {"event",     "level",        "message", "timestamp", "domain",
                                        "port",      "peer_address", "rule",    "mode",      "reason",
                                        "presented", "expected",     "program", "pid",       "policy"};
    const struct event_sinks sinks = {.file = events};
    size_t i = 0;
    const char *key;
    json_t *value;
    raise_mismatch("a\xff.example", &sinks);
    json_t *object = json_loads(text_of_file(events), JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(object, "%s", text_of_file(events));
    json_object_foreach(object, key, value)
    {
        cr_assert_lt(i, sizeof order / sizeof *order, "%s", key);
        cr_expect_str_eq(key, order[i++]);
    }
    cr_expect_eq(i, sizeof order / sizeof *order);
    cr_expect_str_eq(json_string_value(json_object_get(object, "event")), "PinMismatch");
    cr_expect_str_eq(json_string_value(json_object_get(object, "level")), "error");
    cr_expect_str_eq(json_string_value(json_object_get(object, "domain")), "a?.example");
    cr_expect_str_eq(json_string_value(json_object_get(object, "rule")), "/etc/tlsgraft/policy.cfg:12");
    cr_expect_str_eq(json_string_value(json_object_get(object, "mode")), "enforce");
    cr_expect_str_eq(json_string_value(json_object_get(object, "reason")), "mismatch");
    cr_expect_eq(json_integer_value(json_object_get(object, "port")), 8443);
    cr_expect_eq(json_integer_value(json_object_get(object, "pid")), getpid());
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(object, "presented"), 0)),
                     "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(object, "expected"), 0)),
                     "sha256//AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    cr_expect_str_eq(json_string_value(json_object_get(object, "program")), "/usr/bin/?program");
    cr_expect_eq(strlen(json_string_value(json_object_get(object, "timestamp"))), 20);
    json_decref(object);
    cr_expect_eq(strchr(text_of_file(events), '\n'), text_of_file(events) + strlen(text_of_file(events)) - 1,
                 "one line");
}

static int lines_of_events(void)
{
    int lines = 0;
    for (const char *c = text_of_file(events); *c != '\0'; c++)
        lines += *c == '\n';
    return lines;
}

/* The last event in the file; the caller releases it. */
static json_t *last_event(void)
{
    char *text = (char *)text_of_file(events);
    size_t length = strlen(text);
    cr_assert(length > 0 && text[length - 1] == '\n', "%s", text);
    text[length - 1] = '\0';
    const char *line = strrchr(text, '\n') == NULL ? text : strrchr(text, '\n') + 1;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(object, "%s", line);
    return object;
}

static json_t *raise_expiry(enum event_kind kind, const struct event_certificate *certificate)
{
    const struct event_sinks sinks = {.file = events};
    const struct event event = {
        .kind = kind, .message = "m", .certificate = certificate, .domain = "expiry.example"};
    event_raise(&reporter, &sinks, &event);
    return last_event();
}

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

Test(event, the_keys_of_a_certificate)
{
    static const char *const order[2][12] = {
        {"event", "level", "message", "timestamp", "cert_id", "cert_name", "expired_at", "days_since_expiry",
         "cert_role", "domain", "program", "pid"},
        {"event", "level", "message", "timestamp", "cert_id", "cert_name", "expires_at", "days_remaining",
         "cert_role", "domain", "program", "pid"}};
    static const enum event_kind kinds[] = {EVENT_CERTIFICATE_EXPIRED, EVENT_CERTIFICATE_EXPIRING_SOON};
    static const char *const names[][2] = {{"CertificateExpired", "error"},
                                           {"CertificateExpiringSoon", "warning"}};
    const struct event_certificate certificate = {"0a1b", "example.com", 1767225600, 3, "server"};
    for (size_t i = 0; i < 2; i++) {
        json_t *object = raise_expiry(kinds[i], &certificate);
        size_t at = 0;
        const char *key;
        json_t *value;
        json_object_foreach(object, key, value)
        {
            cr_assert_lt(at, 12, "%s", key);
            cr_expect_str_eq(key, order[i][at++]);
        }
        cr_expect_eq(at, 12);
        cr_expect_str_eq(text_in(object, "event"), names[i][0]);
        cr_expect_str_eq(text_in(object, "level"), names[i][1]);
        cr_expect_str_eq(text_in(object, "cert_id"), "0a1b");
        cr_expect_str_eq(text_in(object, "cert_name"), "example.com");
        cr_expect_str_eq(text_in(object, "cert_role"), "server");
        cr_expect_str_eq(text_in(object, order[i][6]), "2026-01-01T00:00:00Z");
        cr_expect(json_is_integer(json_object_get(object, order[i][7])));
        cr_expect_eq(json_integer_value(json_object_get(object, order[i][7])), 3);
        json_decref(object);
    }
}

Test(event, times_that_are_far_off)
{
    static const struct {
        int64_t not_after;
        const char *text;
    } times[] = {{INT64_C(253402300799), "9999-12-31T23:59:59Z"},
                 {-1, "1969-12-31T23:59:59Z"},
                 {INT64_C(-631152000), "1950-01-01T00:00:00Z"},
                 {0, "1970-01-01T00:00:00Z"}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        const struct event_certificate certificate = {"0a", NULL, times[i].not_after, 0, "upstream"};
        json_t *object = raise_expiry(EVENT_CERTIFICATE_EXPIRED, &certificate);
        cr_expect_str_eq(text_in(object, "expired_at"), times[i].text);
        cr_expect_null(json_object_get(object, "cert_name"));
        cr_expect_eq(json_integer_value(json_object_get(object, "days_since_expiry")), 0);
        json_decref(object);
    }
}

Test(event, hostile_names_stay_on_one_line_of_json)
{
    static char longest[64 << 10], wide[64 << 10], domain[254];
    static const char *const pairs[][2] = {{"a\"b\\c\n\r\t\x01", "a\"b\\c\n\r\t\x01"},
                                           {"\xff\xc0\xaf\xed\xa0\x80", "??????"},
                                           {"\xe2\x80\xa8\xc2\x9b\x7f", "\xe2\x80\xa8\xc2\x9b\x7f"},
                                           {longest, NULL},
                                           {wide, NULL}};
    memset(longest, 'x', sizeof longest - 1);
    for (size_t i = 0; i + 2 < sizeof wide; i += 3)
        memcpy(wide + i, "\xe2\x82\xac", 3);
    memset(domain, 'd', sizeof domain - 1);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct event_certificate certificate = {"0a", pairs[i][0], 0, 0, pairs[i][0]};
        const struct event_sinks sinks = {.file = events};
        const struct event event = {.kind = EVENT_CERTIFICATE_EXPIRED,
                                    .message = pairs[i][0],
                                    .certificate = &certificate,
                                    .domain = domain};
        event_raise(&reporter, &sinks, &event);
        cr_expect_eq((size_t)lines_of_events(), i + 1);
        json_t *object = last_event();
        const char *name = text_in(object, "cert_name");
        if (pairs[i][1] != NULL)
            cr_expect_str_eq(name, pairs[i][1]);
        else
            cr_expect(strlen(name) > 4000 && strlen(name) <= 4096 &&
                          strncmp(name, pairs[i][0], strlen(name)) == 0,
                      "%zu", strlen(name));
        cr_expect_eq(strlen(name) % (pairs[i][0] == wide ? 3 : 1), 0, "whole characters");
        cr_expect_str_eq(text_in(object, "domain"), domain);
        json_decref(object);
    }
}

Test(event, what_a_terminal_could_obey_is_escaped)
{
    const struct event_certificate certificate = {
        "0a", "\x7f\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xc3\xbc\xe2\x82\xac", 0, 0, "server"};
    json_t *object = raise_expiry(EVENT_CERTIFICATE_EXPIRED, &certificate);
    cr_expect_str_eq(text_in(object, "cert_name"), certificate.name);
    json_decref(object);
    static const char escaped[] = "\"cert_name\":\"\\u007f\\u009b\\u202e\\u2066\xc3\xbc\xe2\x82\xac\"";
    cr_expect_not_null(strstr(text_of_file(events), escaped), "%s", text_of_file(events));
}

Test(event, those_of_the_monitor_are_never_held_back)
{
    const struct event_certificate certificate = {"0a", "n", 0, 0, "server"};
    for (int i = 0; i < 3; i++) {
        json_decref(raise_expiry(EVENT_CERTIFICATE_EXPIRED, &certificate));
        json_decref(raise_expiry(EVENT_CERTIFICATE_EXPIRING_SOON, &certificate));
    }
    cr_expect_eq(lines_of_events(), 6);
}

Test(event, each_is_a_line_of_the_log_without_control_characters)
{
    raise_mismatch("log.example", NULL);
    const char *line = text_of_file(log_file);
    cr_expect_not_null(strstr(line, "error: PinMismatch: wrong \"key\"??[31m\n"), "%s", line);
    cr_expect_null(strchr(line, '\x1b'));
}

Test(event, the_level_of_the_log)
{
    reporter.level = LOG_LEVEL_OFF;
    raise_mismatch("off.example", NULL);
    log_line(&reporter, LOG_LEVEL_INFO, "info");
    cr_expect_str_eq(text_of_file(log_file), "");
    reporter.level = log_level_of("info");
    log_line(&reporter, LOG_LEVEL_INFO, "info");
    log_line(&reporter, LOG_LEVEL_DEBUG, "debug");
    cr_expect_not_null(strstr(text_of_file(log_file), "info: info\n"));
    cr_expect_null(strstr(text_of_file(log_file), "debug"));
    cr_expect_eq(log_level_of(NULL), LOG_LEVEL_ERROR);
    cr_expect_eq(log_level_of("nonsense"), LOG_LEVEL_ERROR);
    cr_expect_eq(log_level_of("off"), LOG_LEVEL_OFF);
}

Test(event, held_back_ones_are_counted_not_written)
{
    const struct event_sinks sinks = {.file = events};
    for (int i = 0; i < 5; i++)
        raise_mismatch("often.example", &sinks);
    raise_mismatch("other.example", &sinks);
    cr_expect_eq(lines_of_events(), 2);
}

Test(event, a_sink_that_fails_harms_nobody_and_is_said)
{
    const struct event_sinks sinks = {.file = "/dev/null/events"};
    raise_mismatch("sink.example", &sinks);
    const char *said =
        "/dev/null/events: the event could not be written: its directory does not exist; create it";
    cr_expect_not_null(strstr(text_of_file(log_file), said), "%s", text_of_file(log_file));
    for (int i = 0; i < 3; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "sink%d.example", i);
        raise_mismatch(domain, &sinks);
    }
    cr_expect_null(strstr(strstr(text_of_file(log_file), said) + 1, said), "once in a minute");
}

Test(event, descriptor_2_is_written_only_while_it_is_what_it_was)
{
    int own = open(events, O_RDWR | O_CREAT, 0600);
    int saved = dup(2);
    reporter.log_file = NULL;
    file_identity_of(2, &reporter.stderr_file);
    dup2(own, 2);
    raise_mismatch("stderr.example", &(struct event_sinks){.to_stderr = true});
    dup2(saved, 2);
    cr_expect_str_eq(text_of_file(events), "");
    file_identity_of(own, &reporter.stderr_file);
    dup2(own, 2);
    raise_mismatch("stderr2.example", &(struct event_sinks){.to_stderr = true});
    dup2(saved, 2);
    cr_expect_not_null(strstr(text_of_file(events), "{\"event\":\"PinMismatch\""));
}
