"""The command as a whole: help, usage, `policy check`; and, as one run, the tests of its other commands."""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import redis_server
from cli_bench import COMMAND, Bench
from test_cli_doctor import *  # noqa: F401,F403
from test_cli_explain import *  # noqa: F401,F403
from test_cli_process import *  # noqa: F401,F403
from test_cli_run import *  # noqa: F401,F403
from test_cli_run import PIN, RULE

NOBODY = 65534
OTHER_PIN = PIN.replace("47D", "48D")
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "config" / "examples"
COMMANDS = (("run",), ("policy", "check"), ("policy", "explain"), ("pin",), ("doctor",), ("events",))


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stderr=subprocess.DEVNULL)


class Help(Bench):
    def test_overview_fits_a_screen(self):
        result = self.call()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)
        for words in COMMANDS:
            self.assertIn("  " + " ".join(words) + " ", result.stdout)
        self.assertEqual(self.call("--help").stdout, result.stdout)

    def test_every_command_has_help_with_an_example(self):
        for words in COMMANDS:
            result = self.call(*words, "--help")
            self.assertEqual((result.returncode, result.stderr), (0, ""), words)
            self.assertIn("usage: tlsgraft ", result.stdout)
            self.assertIn("example:\n  tlsgraft " + " ".join(words), result.stdout)
            self.assertEqual(self.call(*words, "-h").stdout, result.stdout)

    def test_version(self):
        self.assertRegex(self.call("--version").stdout, r"^tlsgraft \d+\.\d+\.\d+\n$")

    def test_wrong_usage(self):
        for words in (("bogus",), ("policy",), ("policy", "bogus"), ("--bogus",), ("--policy",),
                      ("--policy", "x"), ("doctor",), ("doctor", "--bogus", "true"), ("doctor", "true", "true"),
                      ("policy", "check", "--bogus"), ("policy", "check", "a", "b"), ("policy", "check", "")):
            with self.subTest(words=words):
                result = self.call(*words)
                self.assertEqual((result.returncode, result.stdout), (2, ""), result)
                self.assertRegex(result.stderr, r"^tlsgraft: .*; .*\n$")

    def test_two_hyphens_end_the_options(self):
        (self.folder / "--json").write_text("version = 1;\n")
        (self.folder / "--json").chmod(0o600)
        for words in (("--", "--json"), ("--", "./--json")):
            result = self.call("policy", "check", *words)
            self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        for words in (("policy", "explain", "a", "--", "--json"), ("pin", "--", "policy.cfg", "--json")):
            result = self.call("--policy", self.policy, *words)
            self.assertEqual((result.returncode, result.stdout), (2, ""), result)
            self.assertIn("more than one ", result.stderr)
        result = self.call("--policy", self.policy, "policy", "explain", "--program", "--", "--json", "a")
        self.assertEqual("--", json.loads(result.stdout)["program"])

    def test_policy_goes_before_the_command(self):
        for name in ("policy check", "policy explain", "pin", "doctor", "events"):
            for words in (("--policy", self.policy), (f"--policy={self.policy}",)):
                result = self.call(*name.split(), *words, "a")
                self.assertEqual((result.returncode, result.stdout), (2, ""), result)
                self.assertEqual(f"tlsgraft: {name}: --policy goes before the command; write 'tlsgraft --policy FILE "
                                 f"{name} ...'\n", result.stderr)

    def test_full_disk(self):
        result = self.call("-c", '"$0" doctor true >/dev/full', COMMAND, command="/bin/sh")
        self.assertEqual(result.returncode, 3, result)


class PolicyCheck(Bench):
    def check(self, text):
        self.policy.write_text(text)
        return self.call("policy", "check", self.policy)

    def numbers(self, text):
        return f"{self.policy}: {text}\n"

    def test_valid(self):
        result = self.check("version = 1;\n")
        self.assertEqual((result.returncode, result.stdout), (0, self.numbers("0 rules, 0 keys")), result)
        result = self.check(RULE.format(keys=f'"{PIN}"'))
        self.assertEqual((result.returncode, result.stdout), (0, self.numbers("1 rule, 1 key")), result)
        result = self.check(RULE.format(keys=f'[ "{PIN}", "{OTHER_PIN}" ]'))
        self.assertIn("1 rule, 2 keys", result.stdout, result)

    def test_pem(self):
        self.keys()
        result = self.check(RULE.format(keys='[ "good.pem", "certificate.pem" ]'))
        self.assertEqual((result.returncode, result.stdout), (0, self.numbers("1 rule, 2 keys")), result)

    def keys(self):
        key = self.folder / "key.pem"
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key)
        openssl("pkey", "-in", key, "-pubout", "-out", self.folder / "good.pem")
        openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=a.example", "-out",
                self.folder / "certificate.pem")

    def test_invalid(self):
        for text, where in (("", ":"), ("version = 1;\nmod = 1;\n", ":2: mod: "), ("version = ;\n", ":1: ")):
            result = self.check(text)
            self.assertEqual((result.returncode, result.stdout), (2, ""), result)
            self.assertTrue(result.stderr.startswith(f"{self.policy}{where}"), result)

    def test_unresolvable(self):
        result = self.check(RULE.format(keys='"none.pem"'))
        self.assertEqual((result.returncode, result.stdout), (2, ""), result)
        self.assertTrue(result.stderr.startswith(f"{self.policy}:2: keys: "), result)
        self.write("bad.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 0o600)
        result = self.check(RULE.format(keys='"bad.pem"'))
        self.assertEqual((result.returncode, result.stdout), (2, ""), result)
        self.assertIn(f"{self.policy}:2: keys: ", result.stderr)

    def test_certificates_that_cannot_be_read(self):
        for setting in ('ca_file = "none.pem";', 'ca_path = "none";'):
            result = self.check(f"version = 1;\n{setting}\n")
            self.assertEqual((result.returncode, result.stdout), (2, ""), result)
            self.assertTrue(result.stderr.startswith(f"{self.policy}:2: {setting[:7]}: "), result)
            result = self.run_program("echo", "started")
            self.assertEqual((result.returncode, result.stdout), (0, "started\n"), result)
            self.assertRegex(result.stderr, r"^tlsgraft: warning: .*policy\.cfg:2: ca_")

    def test_rules_of_programs_count(self):
        rule = f'{{ domain = "a"; keys = "{PIN}"; }}'
        section = f'match = "x"; pinned_public_keys = ( {rule}, {{ domain = "b"; mode = "off"; }} );'
        result = self.check(f"""version = 1;
            security: {{ pinned_public_keys = ( {rule} ); }};
            programs = ( {{ name = "x"; {section} }},
                         {{ name = "y"; certificate_pinning_disabled = true; {section} }} );""")
        self.assertEqual((result.returncode, result.stdout), (0, self.numbers("5 rules, 3 keys")), result)

    def warnings(self, rules, more=""):
        """What `policy check` warns of in a valid policy, without the place, which is line 2."""
        result = self.check(f"version = 1; {more} security: {{ pinned_public_keys = (\n{rules} ); }};\n")
        self.assertEqual(result.returncode, 0, result)
        place = f"tlsgraft: warning: {self.policy}:2: "
        lines = result.stderr.splitlines()
        for line in lines:
            self.assertTrue(line.startswith(place), result)
            self.assertRegex(line, ".+: .+; .+")
        return [line[len(place):] for line in lines]

    @staticmethod
    def day(days):
        return str(datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days))

    def test_keys_that_expire(self):
        for day, after, words in (("2020-02-29", "report", "is past, so a server with another key is only reported;"),
                                  ("2020-02-29", "refuse", "is past, so the server is refused, whatever its key is;"),
                                  (self.day(0), "report", "is past, so a server"),
                                  (self.day(2), "report", "is in 2 days, and from then on a server with another key"),
                                  (self.day(30), "refuse", "is in 30 days, and from then on the server is refused,"),
                                  (self.day(31), "report", None), ("2999-12-31", "refuse", None)):
            rule = (f'{{ domain = "a"; keys = "{PIN},{OTHER_PIN}"; expires = "{day}"; after_expiry = "{after}"; '
                    'MODE }')
            with self.subTest(day=day, after=after):
                warnings = self.warnings(rule.replace("MODE", ""))
                self.assertEqual(0 if words is None else 1, len(warnings), warnings)
                if words is not None:
                    self.assertTrue(warnings[0].startswith(f"expires: {day} {words}"), warnings)
                self.assertEqual([], self.warnings(rule.replace("MODE", 'mode = "off";')))

    def test_how_near_is_near(self):
        rule = '{ domain = "a"; keys = "%s,%s"; expires = "DAY"; }' % (PIN, OTHER_PIN)
        for threshold, days, count in ((2, 2, 1), (2, 3, 0), (60, 60, 1), (0, 1, 0), (0, -1, 1)):
            self.environment["TLSGRAFT_SECURITY_CERTIFICATEEXPIRYMONITOR_WARNINGTHRESHOLDDAYS"] = str(threshold)
            self.assertEqual(count, len(self.warnings(rule.replace("DAY", self.day(days)))), (threshold, days))

    def test_keys_that_expire_where_nothing_is_refused(self):
        rule = '{{ domain = "a"; keys = "%s,%s"; expires = "{}"; after_expiry = "{}"; {} }}' % (PIN, OTHER_PIN)
        for mode, more in (('mode = "report";', ""), ("", 'mode = "report";')):
            for day, after, words in (
                    ("2020-02-29", "refuse", "is past, so the server is only reported, whatever its key is;"),
                    ("2020-02-29", "report", "is past, so a server with another key is only reported, as before;"),
                    (self.day(2), "refuse", "is in 2 days, and from then on the server is only reported, whatever"),
                    (self.day(2), "report", "is in 2 days, and from then on a server with another key is only repor")):
                (warning,) = self.warnings(rule.format(day, after, mode), more)
                self.assertTrue(warning.startswith(f"expires: {day} {words}"), warning)
        (warning,) = self.warnings(rule.format("2020-02-29", "refuse", 'mode = "enforce";'), 'mode = "report";')
        self.assertIn("is past, so the server is refused, whatever its key is;", warning)

    def test_events_that_nobody_can_write(self):
        (self.folder / "d").mkdir()
        os.mkfifo(self.folder / "fifo")
        self.write("file", "", 0o600)
        (self.folder / "link").symlink_to("file")
        for path, words in (("none/events", f"the directory {self.folder}/none does not exist; create it"),
                            ("file/events", f"{self.folder}/file/events takes no events: Not a directory; mend the"),
                            ("d", "it is a directory; name a file in it"), ("fifo", "it is a FIFO, and only regular"),
                            ("/dev/null", "it is a device or a socket, and only regular files are written; name"),
                            ("link", "it is a symbolic link, which is not followed; name the file itself"),
                            ("file", None), ("d/new", None), ("/none", None)):
            result = self.check(f'version = 1;\nevents: {{ file = "{path}"; }};\n')
            self.assertEqual(result.returncode, 0, result)
            if words is None:
                self.assertEqual("", result.stderr)
            else:
                self.assertTrue(result.stderr.startswith(f"tlsgraft: warning: {self.policy}:2: events.file: "), result)
                self.assertIn(words, result.stderr)

    def test_events_that_this_user_cannot_write(self):
        """Another user may; those are not asked about."""
        self.write("file", "", 0o600)
        self.folder.chmod(0o755)
        command = self.install("open")
        for path, place in (("file", "file"), ("new", "")):
            self.policy.write_text(f'version = 1;\nevents: {{ file = "{path}"; }};\n')
            self.policy.chmod(0o644)
            result = self.call("policy", "check", self.policy, command=command, user=NOBODY, group=NOBODY)
            self.assertEqual(result.returncode, 0, result)
            self.assertIn(f"this user ({NOBODY}) cannot write to {str(self.folder / place)}: Permission denied; ",
                          result.stderr)

    def test_events_for_a_redis_that_does_not_answer(self):
        policy = 'version = 1; store: {{ type = "redis"; address = "127.0.0.1:{}"; }};\n' \
                 'events: {{ redis_stream = "s"; }}; state_directory = "/dev/null";\n'
        redis = redis_server.Redis(self)
        self.assertEqual("", self.check(policy.format(redis.port)).stderr)
        redis.cli("SET", "s", "x")
        words = f"tlsgraft: warning: {self.policy}: events.redis_stream: Redis 127.0.0.1:{redis.port} takes no events: "
        self.assertIn(words + "a key of the store holds something else", self.check(policy.format(redis.port)).stderr)
        redis.stop()
        result = self.check(policy.format(redis.port))
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(len(result.stderr.splitlines()), 1, result)
        self.assertIn(words + "nothing listens there; start it", result.stderr)

    def test_a_state_directory_that_cannot_be_used(self):
        self.folder.chmod(0o755)
        command = self.install("open")
        (self.folder / "link").symlink_to("shared")
        (self.folder / "taken" / str(NOBODY)).mkdir(parents=True)
        for name, mode in (("shared", 0o1777), ("loose", 0o777), ("closed", 0o755), ("linked", 0o755), ("blind", 0o1733)):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(mode)
        (self.folder / "linked" / str(NOBODY)).symlink_to("../shared")
        (self.folder / "file").touch()
        for name, words in (("shared", None), ("shared/new", None), ("link", "is no directory, or a link, which is not"),
                            ("loose", f"no sticky bit (mode 0777); run: chmod +t {self.folder}/loose"),
                            ("closed", f"/closed/{NOBODY} cannot be opened or made: Permission denied; let this user"),
                            ("taken", f"/taken/{NOBODY} must be a directory of this user's own"),
                            ("linked", f"/linked/{NOBODY} is no directory, or a link, which is not followed; remove it"),
                            ("blind", "/blind cannot be opened or made: Permission denied; run as root: install -d -m 1777 "),
                            ("file", "/file is no directory"), ("file/new", "/file/new is no directory"),
                            ("closed/new", "run as root: install -d -m 1777 "), ("none/new", "cannot be opened or made: No")):
            for more in ("", "certificate_expiry_monitor: { check_cooldown_seconds = 0; event_cooldown_seconds = 0; };"):
                self.policy.write_text(f'version = 1; state_directory = "{name}"; security: {{ {more} }};\n')
                self.policy.chmod(0o644)
                result = self.call("policy", "check", self.policy, command=command, user=NOBODY, group=NOBODY)
                self.assertEqual(result.returncode, 0, result)
                if words is None or more:
                    self.assertEqual("", result.stderr)
                    continue
                self.assertTrue(result.stderr.startswith(
                    f"tlsgraft: warning: {self.policy}: state_directory: each process of this user ({NOBODY}) raises events "
                    f"of expiry for itself: {self.folder}/"), result)
                self.assertIn(words, result.stderr)
                self.assertFalse((self.folder / "shared" / str(NOBODY)).exists())

    def test_no_more_warnings_than_are_read(self):
        rules = ",\n".join(f'{{ domain = "h{i}.example"; keys = "{PIN}"; }}' for i in range(22))
        result = self.check(f"version = 1;\nsecurity: {{ pinned_public_keys = (\n{rules}\n); }};\n")
        lines = result.stderr.splitlines()
        self.assertEqual((result.returncode, len(lines)), (0, 21), result)
        self.assertEqual(lines[-1], f"tlsgraft: warning: {self.policy}: 2 more; mend these first, and check again")

    def test_one_key_only(self):
        one = f'{{ domain = "a"; keys = "{PIN}"; MORE }}'
        words = "keys: one key only, so when it is changed every connection is {}; add the key that will come after it"
        for more, overall, outcome in (("", "", "refused"), ('mode = "report";', "", "reported"),
                                       ("", 'mode = "report";', "reported"), ('mode = "off";', "", None),
                                       ("", 'mode = "off";', None), ('mode = "enforce";', 'mode = "off";', "refused")):
            with self.subTest(more=more, overall=overall):
                expected = [] if outcome is None else [words.format(outcome)]
                self.assertEqual(expected, self.warnings(one.replace("MORE", more), overall))
        self.assertEqual([words.format("refused")],
                         self.warnings(f'{{ domain = "a"; keys = [ "{PIN}", " {PIN}" ]; }}'), "twice the same")
        self.assertEqual([], self.warnings(f'{{ domain = "a"; keys = [ "{PIN}", "{OTHER_PIN}" ]; }}'))
        self.assertEqual([], self.warnings('{ domain = "a"; min_version = "1.2"; }'))

    def test_one_key_only_of_programs(self):
        for disabled in (False, True):
            result = self.check(f"""version = 1; programs = ( {{ name = "x"; match = "x";
                certificate_pinning_disabled = {str(disabled).lower()};
                pinned_public_keys = ( {{ domain = "a"; keys = "{PIN}"; }} ); }} );""")
            self.assertEqual(result.returncode, 0, result)
            self.assertEqual(not disabled, f"{self.policy}:3: keys: one key only" in result.stderr, result)

    def test_certificates_that_expire(self):
        self.keys()
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", self.folder / "k.pem")
        for days, words in ((5, r"is in [56] days"), (-1, "is past"), (60, None)):
            request = ("req", "-new", "-key", self.folder / "k.pem", "-subj", "/CN=a")
            openssl(*request, "-out", self.folder / "r.pem")
            openssl("x509", "-req", "-in", self.folder / "r.pem", "-signkey", self.folder / "k.pem", "-days", days,
                    "-out", self.folder / "short.pem")
            for key in ("short.pem", (self.folder / "short.pem").read_text()):
                with self.subTest(days=days, key=key[:10]):
                    rule = '{ domain = "a"; keys = [ "good.pem", "%s" ]; MODE }' % key
                    warnings = self.warnings(rule.replace("MODE", ""))
                    self.assertEqual(0 if words is None else 1, len(warnings), warnings)
                    if words is not None:
                        name = f"{self.folder}/short.pem" if key == "short.pem" else "PEM in place"
                        self.assertRegex(warnings[0],
                                         fr"^keys: the certificate in {name} expires \([-\d]{{10}} {words}\); its key")
                    self.assertEqual([], self.warnings(rule.replace("MODE", 'mode = "off";')))
        chain = (self.folder / "certificate.pem").read_text() * 2
        self.write("chain.pem", chain, 0o600)
        self.write("short.pem", (self.folder / "good.pem").read_text(), 0o600)
        self.assertEqual([], self.warnings(f'{{ domain = "a"; keys = "chain.pem,{PIN}"; }}')[1:])

    def test_a_secret_that_others_can_read(self):
        text = 'version = 1;\nsecurity: { private_certificate_encoding_secret = "x"; };\n'
        for mode, warned in ((0o600, False), (0o640, True), (0o644, True), (0o604, True)):
            self.policy.chmod(mode)
            result = self.check(text)
            self.assertEqual(result.returncode, 0, result)
            warning = (f"tlsgraft: warning: {self.policy}:2: private_certificate_encoding_secret: it stands in a file "
                       f"that others can read (mode {mode:04o}); ")
            self.assertEqual(warned, warning in result.stderr, result)
            self.assertEqual(warned, f"or run: chmod go-r '{self.policy}'\n" in result.stderr, result)
        self.policy.chmod(0o644)
        self.write("secret.cfg", 'security: { private_certificate_encoding_secret = "x"; };\n', 0o600)
        self.assertNotIn("warning", self.check('version = 1;\n@include "secret.cfg"\n').stderr)

    def test_what_a_new_user_meets(self):
        """Each says where, what was found, and what to do."""
        self.keys()
        rule = "version = 1;\nsecurity: {{ pinned_public_keys = (\n{{ domain = \"a.example\"; {} }}\n); }};\n"
        openssl("x509", "-in", self.folder / "certificate.pem", "-outform", "DER", "-out", self.folder / "c.der.pem")
        fingerprint = ":".join(["AB"] * 32)
        for text, where, words in (
                ("", 1, "version: missing; write version = 1;"),
                (rule.format(f'key = "{PIN}";'), 3, 'key: unknown setting; did you mean "keys"?'),
                (rule.format(f'keys = "{PIN}"; mode = "reprot";'), 3,
                 'mode: "reprot"; allowed are "enforce", "report" and "off"'),
                ("version = 1;\nmode = enforce;\n", 2, "words in quotes"),
                ("version = 1;\nmode \"enforce\";\n", 2, "syntax error; here or on the line before, look for: "),
                (rule.format(f'keys = "{PIN}";').replace("}\n)", "},\n)"), 4,
                 "a comma between the groups of a list and none after the last"),
                (rule.format('keys = "nowhere.pem";'), 3,
                 f"keys: {self.folder}/nowhere.pem cannot be read: No such file or directory; mend the path or"),
                (rule.format('keys = "c.der.pem";'), 3,
                 "is DER; allowed is PEM, made by: openssl x509 -inform DER -in "),
                (rule.format('keys = "key.pem";'), 3, "holds a private key; allowed is the public key alone"),
                (rule.format(f'keys = "{fingerprint}";'), 3,
                 f"is a fingerprint with colons; write its hex digits alone, {fingerprint.replace(':', '')}, and mind"),
                (rule.format(f'keys = "{PIN[:-3]}=";'), 3,
                 "is no SHA-256 in base64; allowed is sha256// and 44 characters that end in ="),
                (rule.format(f'keys = "{PIN}";').replace("a.ex", "\u00e4.ex"), 3,
                 'domain: "\u00e4.example" is a name that is not ASCII; write its A-label (xn--...)'),
                (rule.format(f'keys = "{PIN}"; }},\n{{ domain = "A.example."; keys = "{PIN}";'), 4,
                 f'domain: "A.example." has a rule at {self.policy}:3 already; write one rule for it')):
            with self.subTest(words=words):
                result = self.check(text)
                self.assertEqual((result.returncode, result.stdout), (2, ""), result)
                self.assertTrue(result.stderr.startswith(f"{self.policy}:{where}: "), result)
                self.assertIn(words, result.stderr.splitlines()[0])

    def test_files_that_are_not_read(self):
        (self.folder / "d").mkdir()
        result = self.call("policy", "check", "d")
        self.assertEqual((result.returncode, result.stdout), (2, ""), result)
        self.assertIn(f"{self.folder}/d: the policy file is a directory, and not a regular file; ", result.stderr)
        self.policy.chmod(0o666)
        result = self.call("policy", "check", self.policy)
        self.assertEqual((result.returncode, result.stdout), (2, ""), result)
        self.assertIn(f"{self.policy}: the policy file is writable by others than its owner (mode 0666); run: chmod "
                      f"go-w '{self.policy}'\n", result.stderr)
        included = self.write("it's `touch pwned`.cfg", "", 0o666)
        self.policy.write_text(f'version = 1;\n@include "{included.name}"\n')
        self.policy.chmod(0o600)
        result = self.call("policy", "check", self.policy)
        subprocess.run(["sh", "-c", result.stderr[result.stderr.index("chmod "):]], check=True, cwd=self.folder)
        self.assertEqual(0o644, included.stat().st_mode & 0o777)
        self.assertEqual(0, self.call("policy", "check", self.policy).returncode)
        self.assertFalse((self.folder / "pwned").exists())
        self.policy.chmod(0o666)
        result = self.call("policy", "check", env={"TLSGRAFT_POLICY": "policy.cfg"})
        self.assertEqual((result.returncode, result.stdout), (3, ""), result)
        self.assertIn("'policy.cfg' is not an absolute path; give the whole path, or use --policy", result.stderr)

    def test_examples(self):
        """As they are installed, whatever modes the files of a working tree have."""
        for example in (path for path in EXAMPLES.rglob("*") if path.is_file()):
            copy = self.folder / example.relative_to(EXAMPLES)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(example, copy)
            copy.chmod(0o600)
        policies = sorted(path.name for path in EXAMPLES.glob("*.cfg"))
        self.assertIn("full.cfg", policies)
        for name in policies:
            with self.subTest(name=name):
                result = self.call("policy", "check", name)
                self.assertEqual((result.returncode, result.stderr), (0, ""), result)

    def test_no_file(self):
        result = self.call("policy", "check", "none.cfg")
        self.assertEqual((result.returncode, result.stdout), (3, ""), result)
        self.assertIn(f"{self.folder}/none.cfg: No such file", result.stderr)
        result = self.call("policy", "check", env={"TLSGRAFT_POLICY": "/none.cfg"})
        self.assertEqual(result.returncode, 3, result)

    def test_where_it_looks(self):
        for words, env in ((("policy", "check", "policy.cfg"), {}),
                           (("--policy", "policy.cfg", "policy", "check"), {}),
                           (("policy", "check"), {"TLSGRAFT_POLICY": str(self.policy)})):
            result = self.call(*words, env=env)
            self.assertEqual((result.returncode, result.stdout), (0, self.numbers("0 rules, 0 keys")), result)

    def test_what_wins(self):
        """The FILE of `policy check` over --policy, that over TLSGRAFT_POLICY, for it and for other commands."""
        for name in ("file", "option", "variable"):
            self.write(name, RULE.format(keys=f'"{PIN}", "{name}.pem"'), 0o600)
        env = {"TLSGRAFT_POLICY": str(self.folder / "variable")}
        for words, name in ((("--policy", "option", "policy", "check", "file"), "file"),
                            (("policy", "check", "file"), "file"), (("--policy", "option", "policy", "check"), "option"),
                            (("policy", "check"), "variable"),
                            (("--policy", "option", "policy", "explain", "a.example"), "option"),
                            (("policy", "explain", "a.example"), "variable"),
                            (("run", "--policy", "option", "true"), "option"), (("run", "true"), "variable")):
            with self.subTest(words=words):
                self.assertIn(f"{self.folder}/{name}:2: ", self.call(*words, env=env).stderr)


if __name__ == "__main__":
    unittest.main()
