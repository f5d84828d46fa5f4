"""The command as a whole: help, usage, `policy check`; and, as one run, the tests of its other commands."""

import pathlib
import shutil
import subprocess
import unittest

from cli_bench import COMMAND, Bench
from test_cli_doctor import *  # noqa: F401,F403
from test_cli_process import *  # noqa: F401,F403
from test_cli_run import *  # noqa: F401,F403
from test_cli_run import PIN, RULE

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "config" / "examples"
COMMANDS = (("run",), ("policy", "check"), ("doctor",))


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
        result = self.check(RULE.format(keys=f'[ "{PIN}", "{PIN.replace("47D", "48D")}" ]'))
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

    def test_expiry_that_is_past(self):
        for day, after, words in (("2020-02-29", "report", "a server with another key is only reported"),
                                  ("2020-02-29", "refuse", "the server is refused, whatever its key is"),
                                  ("2999-12-31", "refuse", None)):
            rule = f'{{ domain = "a"; keys = "{PIN}";\nexpires = "{day}"; after_expiry = "{after}"; }}'
            result = self.check(f"version = 1; security: {{ pinned_public_keys = (\n{rule} ); }};\n")
            self.assertEqual((result.returncode, result.stdout), (0, self.numbers("1 rule, 1 key")), result)
            if words is None:
                self.assertEqual(result.stderr, "")
            else:
                place = f"tlsgraft: warning: {self.policy}:2: expires: {day} is past, so {words};"
                self.assertTrue(result.stderr.startswith(place), result)

    def test_examples(self):
        """As they are installed, whatever modes the files of a working tree have."""
        for example in EXAMPLES.iterdir():
            shutil.copyfile(example, self.folder / example.name)
            (self.folder / example.name).chmod(0o600)
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


if __name__ == "__main__":
    unittest.main()
