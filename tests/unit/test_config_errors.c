/* Each setting of the contract: what is allowed loads, what is not is refused at its line, in its words. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support.h"

#define PIN        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define BASE64     "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define RULE(more) "security: { pinned_public_keys = ( { domain = \"a.example\"; " more " } ); };"

/* Of so many characters. */
#define X31  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X187 X31 X31 X31 X31 X31 X31 "x"

TestSuite(config, .init = fixture_make, .fini = fixture_clean);

static bool loads(const char *text)
{
    struct policy *policy = load_text(&directory, text, &findings);
    bool done = policy != NULL;
    cr_expect_eq(done, findings.errors == 0, "%s", text);
    policy_free(policy);
    return done;
}

Test(config, policies_that_load)
{
    static const char *const good[] = {
        "version = 1;",
        "version = 1; mode = \"report\"; organisation = \"5e9d9544a1dcd60001d0ed20\";",
        "version = 1; mode = \"off\"; unmatched = \"allow\"; unnamed = \"allow\"; ungoverned = \"report\";",
        "version = 1; security: { pinned_public_keys = (); upstream_certificates = (); };",
        "version = 1; programs = (); events: { file = \"events.jsonl\"; stderr = true; };",
        "version = 1;" RULE("keys = \"" PIN "\";"),
        "version = 1;" RULE("keys = [ \"" PIN
                            "\" ]; target = \"leaf\"; verify = \"program\"; mode = \"report\";"),
        "version = 1;" RULE("keys = ( \" " PIN " , " PIN "\" );"),
        "version = 1;" RULE("mode = \"off\";"),
        "version = 1;" RULE("min_version = \"1.3\";"),
        "version = 1;" RULE("verify = \"require\";"),
        "version = 1;" RULE("verify = \"pin\"; keys = \"" PIN "\"; min_version = \"1.0\";"),
        "version = 1;" RULE("target = \"chain\"; keys = \"" PIN "\"; verify = \"require\";"),
        "version = 1;" RULE("expires = \"2028-02-29\"; after_expiry = \"refuse\"; keys = \"" PIN "\";"),
        "version = 1;" RULE("mode = \"off\"; keys = \"" PIN "\"; expires = \"1969-12-31\";"),
        "version = 1; unmatched = \"refuse\"; unnamed = \"refuse\"; ca_path = \"/\";",
        "version = 1; programs = ( { name = \"a\"; match = \"b\"; }, { name = \"b\"; match = \"b\"; } );",
        "version : 1 // a comment\n# another\n/* and\nanother */ security : { }",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(loads(good[i]), "%s\n%s", good[i], findings.text);
}

static const struct {
    const char *text;
    const char *line;  /* :LINE: SETTING: */
    const char *words; /* in the same message */
} bad[] = {
    {"", ":1: version: ", "missing"},
    {"version = 2;", ":1: version: ", "2; allowed is 1"},
    {"version = \"1\";", ":1: version: ", "found a text; allowed is a whole number"},
    {"version = 4294967297;", ":1: ", "larger than 2147483647"},
    {"version = 1L;\nversion = 1;", ":2: ", "duplicate"},
    {"version = 1;\nmode = \"enforced\";", ":2: mode: ", "\"enforce\", \"report\", \"learn\" and \"off\""},
    {"version = 1;\nmdoe = \"off\";", ":2: mdoe: ", "did you mean \"mode\"?"},
    {"version = 1;\norganisation = \"a/b\";", ":2: organisation: ", "a slash"},
    {"version = 1;\norganisation = \".a\";", ":2: organisation: ", "begins with a dot"},
    {"version = 1;\norganisation = \"" X187 "\";", ":2: organisation: ", "more than 186 characters"},
    {"version = 1;\nzebra = 1;", ":2: zebra: ", "state_directory"},
    {"version = 1;\nmode = 1;", ":2: mode: ", "found a whole number"},
    {"version = 1;\nsecurity = ( );", ":2: security: ", "allowed is a group"},
    {"version = 1;\nsecurity: { pinned_public_key = (); };",
     ":2: pinned_public_key: ", "did you mean \"pinned_public_keys\"?"},
    {"version = 1;\nsecurity: { pinned_public_keys = { }; };",
     ":2: pinned_public_keys: ", "a list of groups"},
    {"version = 1;\nsecurity: { pinned_public_keys = ( \"x\" ); };",
     ":2: pinned_public_keys: ", "a list of groups"},
    {"version = 1;\nevents: { stderr = 1; };", ":2: stderr: ", "true or false"},
    {"version = 1;\nevents: { syslog = \"deamon\"; };",
     ":2: syslog: ", "\"deamon\"; allowed are the facilities \"user\", "},
    {"version = 1;\nevents: { syslog = \"deamon\"; };", ":2: syslog: ", "did you mean \"daemon\"?"},
    {"version = 1;\nevents: { syslog = \"kern\"; };", ":2: syslog: ", "which is the kernel's own"},
    {"version = 1;\nevents: { syslog = \"\"; };", ":2: syslog: ", "allowed are the facilities"},
    {"version = 1;\nevents: { redis_stream = \"x\"; };", ":2: redis_stream: ", "type = \"redis\""},
    {"version = 1;\nstore: { type = \"redis\"; };\nevents: { redis_stream = \"\"; };",
     ":3: redis_stream: ", "empty"},
    {"version = 1;\nevents: { redis_stream_maxlen = 0; };",
     ":2: redis_stream_maxlen: ", "0; allowed is 1 to 2147483647"},
    {"version = 1;\nstate_directory = \"\";", ":2: state_directory: ", "empty"},
    {"version = 1;\nstate_directory = \"/a\";\nevents: { state_directory = \"/b\"; };",
     ":2: state_directory: ", ":3; allowed is one of them"},
    {"version = 1;\nevents: { file = \"\"; };", ":2: file: ", "empty"},
    {"version = 1;\n" RULE("keys = 1;"), ":2: keys: ", "a text in quotes"},
    {"version = 1;\n" RULE("keys = \"SHA256//" BASE64 "\";"), ":2: keys: ", "write " PIN},
    {"version = 1;\n" RULE("keys = \"SHA256:" BASE64 "\";"), ":2: keys: ", "write " PIN},
    {"version = 1;\n" RULE("keys = \"sha256-" BASE64 "\";"), ":2: keys: ", "write " PIN},
    {"version = 1;\n" RULE("keys = \"" BASE64 "\";"), ":2: keys: ", "write " PIN},
    {"version = 1;\n" RULE("keys = \"pin-sha256=\\\"" BASE64 "\\\"\";"), ":2: keys: ", "write " PIN},
    {"version = 1;\n" RULE("keys = \"sha256/// " BASE64 "\";"), ":2: keys: ", "write " PIN},
    {"version = 1;\n" RULE("keys = \"sha256//47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\";"),
     ":2: keys: ", "is a SHA-256, but not as a pin is written; write " PIN},
    {"version = 1;\n" RULE("keys = \"sha256:"
                           "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\";"),
     ":2: keys: ", "write " PIN},
    {"version = 1;\n" RULE("keys = \"SHA1 Fingerprint=AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:"
                           "AB:CD\";"),
     ":2: keys: ",
     "is a fingerprint of 20 bytes (SHA-1), and no SHA-256, which has 32; the pin is printed by: "
     "tlsgraft pin cert.pem"},
    {"\xef\xbb\xbfversion = 1;", ":1: ", "a byte order mark (U+FEFF); save the file as UTF-8 without one"},
    {"version = 1;\nmode\xc2\xa0= \"off\";", ":2: ", "a no-break space (U+00A0); write a space"},
    {"version = 1;\n\nmode = \xe2\x80\x9coff\xe2\x80\x9d;",
     ":3: ", "a curly quote (U+201C); write a straight"},
    {"version = 1;\nm\xc3\xb6"
     "de = 1;",
     ":2: ", "the character U+00F6 outside of a text in quotes; put"},
    {"version = 1;\nm\xe4"
     "de = 1;",
     ":2: ", "the byte 0xE4 outside of a text in quotes; put"},
    {"\xff\xfev", ":1: ", "a byte order mark of UTF-16; save the file as UTF-8"},
    {"@include \"none.cfg\"\n", ":1: @include: ",
     "none.cfg cannot be read: No such file or directory; mend the path, which is relative to the file that"},
    {"version = 1;\n" RULE("keys = \"/proc/self/mem\";"),
     ":2: keys: ", "/proc/self/mem cannot be read: Input/output error"},
    {"version = 1;\n" RULE("keys = [ 1 ];"), ":2: keys: ", "a text in quotes"},
    {"version = 1;\n" RULE("keys = [ ];"), ":2: keys: ", "none"},
    {"version = 1;\n" RULE("keys = \"\";"), ":2: keys: ", "empty item"},
    {"version = 1;\n" RULE("keys = \"" PIN ",,\";"), ":2: keys: ", "empty item"},
    {"version = 1;\n" RULE(""), ":2: keys: ", "missing"},
    {"version = 1;\n" RULE("mode = \"enforce\";"), ":2: keys: ", "missing"},
    {"version = 1;\n" RULE("target = \"leaf\"; verify = \"program\";"), ":2: keys: ", "missing"},
    {"version = 1;\n" RULE("verify = \"pin\"; keys = \"" PIN "\"; target = \"chain\";"),
     ":2: verify: ", "\"pin\" with target \"chain\""},
    {"version = 1;\n" RULE("verify = \"require\"; target = \"chain\";"),
     ":2: target: ", "\"chain\" without keys"},
    {"version = 1;\n" RULE("min_version = \"1.2\"; expires = \"2027-01-01\";"),
     ":2: expires: ", "without keys"},
    {"version = 1;\n" RULE("min_version = \"1.4\";"), ":2: min_version: ", "\"1.2\" and \"1.3\""},
    {"version = 1;\n" RULE("min_version = 1.2;"), ":2: min_version: ", "found a number with a decimal point"},
    {"version = 1;\n" RULE("keys = \"" PIN "\"; ca_file = \"\";"), ":2: ca_file: ", "empty"},
    {"version = 1;\nunmatched = \"deny\";", ":2: unmatched: ", "\"allow\", \"report\" and \"refuse\""},
    {"version = 1;\nca_path = \"\";", ":2: ca_path: ", "empty"},
    {"version = 1;\n" RULE("keys = \"" PIN "\"; mode = \"learn\";"), ":2: mode: ", "\"learn\"; allowed are"},
    {"version = 1;\n" RULE("verify = \"pin\";"), ":2: verify: ", "\"pin\" without keys"},
    {"version = 1;\n" RULE("keys = \"" PIN "\"; after_expiry = \"refuse\";"),
     ":2: after_expiry: ", "without expires"},
    {"version = 1;\n" RULE("keys = \"" PIN "\"; verify = \"pins\";"),
     ":2: verify: ", "\"require\" and \"pin\""},
    {"version = 1;\n" RULE("keys = \"" PIN "\"; domian = \"b\";"),
     ":2: domian: ", "did you mean \"domain\"?"},
    {"version = 1;\n" RULE("keys = \"" PIN "\"; expires = \"2026-02-29\";"), ":2: expires: ", "YYYY-MM-DD"},
    {"version = 1;\n" RULE("keys = \"" PIN "\"; expires = \"20260229\";"), ":2: expires: ", "YYYY-MM-DD"},
    {"version = 1;\nsecurity: { pinned_public_keys = ( { keys = \"" PIN "\"; } ); };",
     ":2: domain: ", "missing"},
    {"version = 1;\nsecurity: { pinned_public_keys = ( { domain = [ ]; keys = \"" PIN "\"; } ); };",
     ":2: domain: ", "none"},
    {"version = 1;\nsecurity: { pinned_public_keys = ( { domain = \"a.*.b\"; keys = \"" PIN "\"; } ); };",
     ":2: domain: ", "a * within"},
    {"version = 1;\nsecurity: { pinned_public_keys = (\n{ domain = \"a.b\"; keys = \"" PIN
     "\"; },\n{ domain = \"A.b.\"; "
     "keys = \"" PIN "\"; } ); };",
     ":4: domain: ", "policy.cfg:3 already"},
    {"version = 1;\nsecurity: { upstream_certificates = ( { domain = \"a\"; certificate = \"x\"; }, { domain "
     "= \"a\"; "
     "certificate = \"y\"; } ); };",
     ":2: domain: ", "already"},
    {"version = 1;\nsecurity: { upstream_certificates = ( { domain = \"a\"; } ); };",
     ":2: certificate: ", "missing"},
    {"version = 1;\nsecurity: { certificate_expiry_monitor: { warning_threshold_days = 3651; }; };",
     ":2: warning_threshold_days: ", "0 to 3650"},
    {"version = 1;\nprograms = ( { match = \"x\"; } );", ":2: name: ", "missing"},
    {"version = 1;\nprograms = ( { name = \"\"; match = \"x\"; } );", ":2: name: ", "empty"},
    {"version = 1;\nprograms = ( { name = \"x\"; } );", ":2: match: ", "missing"},
    {"version = 1;\nprograms = ( { name = \"x\"; match = [ ]; } );", ":2: match: ", "none"},
    {"version = 1;\nprograms = ( { name = \"x\"; match = [ \"a\", \"\" ]; } );",
     ":2: match: ", "an empty pattern"},
    {"version = 1;\nprograms = (\n{ name = \"x\"; match = \"a\"; },\n{ name = \"y\"; match = \"a\"; },\n{ "
     "name "
     "= \"x\"; match = \"b\"; } );",
     ":5: name: ", "policy.cfg:3 already"},
    {"version = 1;\nprograms = ( { name = \"x\"; match = \"x\"; pinned_public_keys = (\n{ domain = \"a\"; } "
     "); } );",
     ":3: keys: ", "missing"},
    {"version = 1;\nprograms = ( { name = \"x\"; match = \"x\"; certificate_pinning_disabled = true; "
     "pinned_public_keys = (\n{ domain = \"a\"; keys = \"" PIN "\"; },\n{ domain = \"a\"; keys = \"" PIN
     "\"; } ); } );",
     ":4: domain: ", "policy.cfg:3 already"},
    {"version = 1;\nmode = \"off\"\nstore: {", ":4: ", "syntax error"},
    {"version = 1;\nmode = \"off;\n", ":2: ", "closing quote"},
    {"version = 1;\n/* never closed", ":2: ", "closing */"},
    {"version = 1;\n  }", ":2: ", "closing bracket"},
    {"version = 1;\nmode = \"o\\x00ff\";", ":2: ", "NUL"},
    {"version = 1; @include \"x\"", ":1: ", "beginning of a line"},
    {"version = 1;\n@includes \"x\"", ":2: ", "beginning of a line"},
    {"version = 1;\n@include \"missing.cfg\"", ":2: @include: ", "No such file"},
};

Test(config, what_is_wrong_is_said_at_its_line)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char where[256];
        cr_expect_not(loads(bad[i].text), "%s", bad[i].text);
        snprintf(where, sizeof where, "%s/policy.cfg%s", directory.path, bad[i].line);
        const char *message = strstr(findings.text, where);
        cr_expect_not_null(message, "%s\n%s", bad[i].text, findings.text);
        cr_expect(message != NULL && strstr(message, bad[i].words) != NULL, "%s\n%s", bad[i].text,
                  findings.text);
    }
}

Test(config, what_a_later_release_brings_is_refused_and_never_ignored)
{
    static const char *const later[][2] = {
        {"mode = \"learn\";", "mode"},
    };
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        char text[512], where[256];
        snprintf(text, sizeof text, "version = 1;\n%s", later[i][0]);
        snprintf(where, sizeof where, "/policy.cfg:2: %s: not supported yet", later[i][1]);
        cr_expect_not(loads(text), "%s", text);
        cr_expect_not_null(strstr(findings.text, where), "%s\n%s", text, findings.text);
    }
}

static const char *variable, *variable_value;

static char *one_variable(const char *name)
{
    return strcmp(name, variable) == 0 ? (char *)variable_value : NULL;
}

static void collect_line(void *context, enum config_severity severity, const char *text)
{
    snprintf(context, 512, "%d %s", severity, text);
}

Test(config, variables_stand_for_the_scalars_of_security)
{
    static const char *const cases[][3] = {
        {"TLSGRAFT_SECURITY_CERTIFICATEEXPIRYMONITOR_WARNINGTHRESHOLDDAYS", "", "allowed is 0 to 3650"},
        {"TLSGRAFT_SECURITY_CERTIFICATEEXPIRYMONITOR_WARNINGTHRESHOLDDAYS", "3651", "allowed is 0 to 3650"},
        {"TLSGRAFT_SECURITY_CERTIFICATEEXPIRYMONITOR_CHECKCOOLDOWNSECONDS", "-1", "allowed is 0 to 31536000"},
        {"TLSGRAFT_SECURITY_CERTIFICATEEXPIRYMONITOR_EVENTCOOLDOWNSECONDS", "1s", "allowed is 0 to 31536000"},
    };
    const char *path = directory_text(&directory, "policy.cfg", "version = 1;");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char said[512] = "";
        const struct config_report report = {collect_line, said};
        variable = cases[i][0];
        variable_value = cases[i][1];
        cr_expect_null(config_load(path, one_variable, &report, NULL));
        cr_expect_not_null(strstr(said, variable), "%s", said);
        cr_expect_not_null(strstr(said, cases[i][2]), "%s", said);
    }
}

Test(config, where_the_policy_is)
{
    bool named;
    variable = "TLSGRAFT_POLICY";
    variable_value = "/some/where";
    cr_expect_str_eq(config_path(one_variable, &named), "/some/where");
    cr_expect(named);
    cr_expect_str_eq(config_path(no_environment, &named), "/etc/tlsgraft/policy.cfg");
    cr_expect_not(named);
}

Test(config, includes_are_read_in_place_and_keep_their_lines)
{
    char text[512];
    cr_assert_eq(mkdir(strcat(strcpy(text, directory.path), "/sub"), 0700), 0);
    directory_text(&directory, "rules.cfg",
                   "# rules\npinned_public_keys = (\n  { domain = \"a\"; keys = \"" PIN
                   "\"; },\n  { domain = \"b\"; keyz = 1; } )");
    snprintf(text, sizeof text,
             "version = 1;\nsecurity: {\n  @include \"rules.cfg\"\n};\n  @include  \"%s/more.cfg\"  mdoe = "
             "1;\nx = 1;",
             directory.path);
    directory_text(&directory, "more.cfg", "# no newline at its end");
    cr_expect_not(loads(text));
    cr_expect_not_null(strstr(findings.text, "/rules.cfg:4: keyz: "), "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:5: mdoe: "), "%s", findings.text);
    cr_expect_not_null(strstr(findings.text, "/policy.cfg:6: x: "), "%s", findings.text);
}

Test(config, a_quoted_or_commented_include_is_none)
{
    cr_expect(loads("version = 1;\n// \n#\n@include \"/dev/null\"") == false);
    cr_expect(loads("version = 1;\n# @include \"missing\"\n/*\n@include \"missing\"\n*/\nevents: { file = "
                    "\"\n@include \\\"x\\\"\"; };"),
              "%s", findings.text);
}

Test(config, files_that_others_may_change_are_refused)
{
    static const struct {
        mode_t mode;
        uid_t owner;
        const char *words;
    } cases[] = {
        {0644, 0, NULL},
        {0600, 0, NULL},
        {0660, 0, "writable by others"},
        {0602, 0, "writable by others"},
        {0600, 65534, "belongs to user 65534"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].owner != 0 && geteuid() != 0)
            continue;
        for (int which = 0; which < 2; which++) {
            const char *main_file = directory_text(&directory, "policy.cfg",
                                                   which == 0 ? "version = 1;" : "@include \"inner.cfg\"");
            const char *inner = directory_text(&directory, "inner.cfg", "version = 1;");
            const char *target = which == 0 ? main_file : inner;
            cr_assert_eq(chmod(target, cases[i].mode), 0);
            if (cases[i].owner != 0)
                cr_assert_eq(chown(target, cases[i].owner, cases[i].owner), 0);
            struct policy *policy = load_file(main_file, &findings);
            cr_expect_eq(policy != NULL, cases[i].words == NULL, "%zu %s", i, findings.text);
            cr_expect(cases[i].words == NULL || strstr(findings.text, cases[i].words) != NULL, "%s",
                      findings.text);
            policy_free(policy);
            unlink(target);
        }
    }
}

Test(config, missing_and_relative_files)
{
    cr_expect_null(load_file("/nonexistent/policy.cfg", &findings));
    cr_expect_not_null(
        strstr(findings.text, "/nonexistent/policy.cfg: the policy file cannot be read: No such file"));
    cr_expect_null(load_file("policy.cfg", &findings));
    cr_expect_not_null(strstr(findings.text, "relative path"));
}

Test(config, errors_come_in_a_number_that_can_be_read)
{
    char text[8192] = "version = 1;\n";
    for (int i = 0; i < 50; i++)
        sprintf(text + strlen(text), "zebra%d = 1;\n", i);
    cr_expect_not(loads(text));
    cr_expect_eq(findings.errors, 20);
}
