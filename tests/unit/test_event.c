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

static const char *content(const char *path)
{
    static char text[16384];
    int descriptor = open(path, O_RDONLY);
    ssize_t length = descriptor < 0 ? 0 : read(descriptor, text, sizeof text - 1);
    close(descriptor);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}

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
    json_t *object = json_loads(content(events), JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(object, "%s", content(events));
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
    cr_expect_eq(strchr(content(events), '\n'), content(events) + strlen(content(events)) - 1, "one line");
}

Test(event, each_is_a_line_of_the_log_without_control_characters)
{
    raise_mismatch("log.example", NULL);
    const char *line = content(log_file);
    cr_expect_not_null(strstr(line, "error: PinMismatch: wrong \"key\"??[31m\n"), "%s", line);
    cr_expect_null(strchr(line, '\x1b'));
}

Test(event, the_level_of_the_log)
{
    reporter.level = LOG_LEVEL_OFF;
    raise_mismatch("off.example", NULL);
    log_line(&reporter, LOG_LEVEL_INFO, "info");
    cr_expect_str_eq(content(log_file), "");
    reporter.level = log_level_of("info");
    log_line(&reporter, LOG_LEVEL_INFO, "info");
    log_line(&reporter, LOG_LEVEL_DEBUG, "debug");
    cr_expect_not_null(strstr(content(log_file), "info: info\n"));
    cr_expect_null(strstr(content(log_file), "debug"));
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
    int lines = 0;
    for (const char *c = content(events); *c != '\0'; c++)
        lines += *c == '\n';
    cr_expect_eq(lines, 2);
}

Test(event, a_sink_that_fails_harms_nobody_and_is_said)
{
    const struct event_sinks sinks = {.file = "/dev/null/events"};
    raise_mismatch("sink.example", &sinks);
    cr_expect_not_null(strstr(content(log_file), "/dev/null/events: the event could not be written"));
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
    cr_expect_str_eq(content(events), "");
    file_identity_of(own, &reporter.stderr_file);
    dup2(own, 2);
    raise_mismatch("stderr2.example", &(struct event_sinks){.to_stderr = true});
    dup2(saved, 2);
    cr_expect_not_null(strstr(content(events), "{\"event\":\"PinMismatch\""));
}
