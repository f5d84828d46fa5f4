/* The settings of the monitor of expiry, and of the sinks of events. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support.h"

TestSuite(config_events, .init = fixture_make, .fini = fixture_clean);

#define VARIABLE "TLSGRAFT_SECURITY_CERTIFICATEEXPIRYMONITOR_"

static bool variables_are_set;

static char *three_variables(const char *name)
{
    static char seven[] = "7", none[] = "0", most[] = "31536000";
    if (!variables_are_set)
        return NULL;
    if (strcmp(name, VARIABLE "WARNINGTHRESHOLDDAYS") == 0)
        return seven;
    if (strcmp(name, VARIABLE "CHECKCOOLDOWNSECONDS") == 0)
        return none;
    return strcmp(name, VARIABLE "EVENTCOOLDOWNSECONDS") == 0 ? most : NULL;
}

static struct policy *loaded(const char *text)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "version = 1;\n%s", text);
    const char *path = directory_text(&directory, "policy.cfg", whole);
    struct policy *policy = load_with(path, three_variables, &findings, NULL);
    cr_assert_not_null(policy, "%s\n%s", text, findings.text);
    return policy;
}

static void expect_expiry(const char *text, unsigned days, unsigned check, unsigned event)
{
    struct policy *policy = loaded(text);
    cr_expect_eq(policy->expiry.threshold_days, days, "%s", text);
    cr_expect_eq(policy->expiry.check_cooldown_seconds, check, "%s", text);
    cr_expect_eq(policy->expiry.event_cooldown_seconds, event, "%s", text);
    policy_free(policy);
}

#define MONITOR(settings) "security: { certificate_expiry_monitor: {" settings "}; };"

Test(config_events, the_monitor_has_defaults_and_variables_win_over_the_file)
{
    static const char all[] = MONITOR("warning_threshold_days = 3650; check_cooldown_seconds = 1; "
                                      "event_cooldown_seconds = 31536000;");
    expect_expiry("", 30, 3600, 86400);
    expect_expiry(MONITOR(""), 30, 3600, 86400);
    expect_expiry(MONITOR("warning_threshold_days = 0;"), 0, 3600, 86400);
    expect_expiry(all, 3650, 1, 31536000);
    variables_are_set = true;
    expect_expiry(all, 7, 0, 31536000);
    expect_expiry("", 7, 0, 31536000);
}

Test(config_events, the_monitor_is_there_without_a_file)
{
    static const struct config_report report = {NULL, NULL};
    struct policy *policy = config_defaults(no_environment, &report);
    cr_assert_not_null(policy);
    cr_expect_eq(policy->expiry.threshold_days, 30);
    cr_expect_str_eq(policy->state_directory, "/run/tlsgraft");
    policy_free(policy);
}

Test(config_events, sinks)
{
    struct policy *policy = loaded("");
    cr_expect_null(policy->events.file);
    cr_expect_null(policy->events.syslog);
    cr_expect_null(policy->events.redis_stream);
    cr_expect_not(policy->events.to_stderr);
    cr_expect_eq(policy->events.redis_stream_maxlen, 100000);
    policy_free(policy);
    policy =
        loaded("store: { type = \"redis\"; };\nevents: { file = \"a\"; stderr = true; syslog = \"local7\"; "
               "redis_stream = \"tlsgraft:events\"; redis_stream_maxlen = 5; };");
    cr_expect_eq(policy->events.file_source.line, 3);
    cr_expect(policy->events.to_stderr);
    cr_expect_str_eq(policy->events.syslog, "local7");
    cr_expect_str_eq(policy->events.redis_stream, "tlsgraft:events");
    cr_expect_eq(policy->events.redis_stream_maxlen, 5);
    policy_free(policy);
}

Test(config_events, the_state_directory_stands_in_either_place)
{
    static const char *const texts[] = {"state_directory = \"/var/lib/x\";",
                                        "events: { state_directory = \"/var/lib/x\"; };"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct policy *policy = loaded(texts[i]);
        cr_expect_str_eq(policy->state_directory, "/var/lib/x");
        policy_free(policy);
    }
    char here[96];
    struct policy *policy = loaded("events: { state_directory = \"state\"; };");
    snprintf(here, sizeof here, "%s/state", directory.path);
    cr_expect_str_eq(policy->state_directory, here, "as other paths, from the policy's directory on");
    policy_free(policy);
}
