"""`tlsgraft policy explain`: what it prints, and when it says no. Whether it is true: test_explain.py."""

import datetime
import json
import os
import pty
import subprocess
import unittest

from cli_bench import COMMAND, Bench
from keys import Identity, openssl

A = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
B = "sha256//J8+k/BenLCBO2KiZYmrqFm4UqaquvtgXdEYQXVXEjRM="
POLICY = f"""version = 1;
ca_path = "/etc";
security: {{ pinned_public_keys = (
{{ domain = "api.example.com:443"; keys = [ "{A}", "{B}" ]; min_version = "1.2"; }},
{{ domain = "api.example.com"; keys = "{A}"; mode = "report"; }},
{{ domain = "**.example.com"; verify = "require"; }},
{{ domain = "off.example.com"; mode = "off"; }},
{{ domain = "*.ports.example:1"; keys = "{A}"; expires = "2020-01-01"; after_expiry = "refuse"; }},
{{ domain = [ "*.ports.example:2", "*.ports.example:3" ]; keys = "{B}"; verify = "pin"; }},
{{ domain = "gone.example"; keys = "gone.pem"; }},
{{ domain = "old.example"; keys = [ "{A}", "gone.pem" ]; expires = "2020-01-01"; target = "chain";
   ca_file = "ca.pem"; }},
{{ domain = [ "10.0.0.5:1", "[2001:db8::1]" ]; keys = "{A}"; }}
); }};
programs = (
{{ name = "billing"; match = [ "/opt/*/billingd", "billing" ];
pinned_public_keys = ( {{ domain = "*.example.com"; keys = "{B}"; }} ); }},
{{ name = "legacy"; match = "legacyd"; certificate_pinning_disabled = true;
pinned_public_keys = ( {{ domain = "*"; keys = "{B}"; }} ); }},
{{ name = "narrow"; match = "narrow"; pinned_public_keys = ( {{ domain = "else.example"; keys = "{B}"; }} ); }}
);
"""


class Explaining(Bench):
    """What the command prints of a policy."""

    def explain(self, *words, status=0):
        result = self.call("--policy", self.policy, "policy", "explain", *words)
        self.assertEqual(result.returncode, status, result)
        return result

    def lines(self, *words, status=0):
        """The columns of each line, and the place of line N of the policy as N."""
        text = self.explain(*words, status=status).stdout.replace(f"{self.policy}:", "")
        return [tuple(line.split("\t")) for line in text.splitlines()]

    def values(self, key, *words, status=0):
        return [line[1:] for line in self.lines(*words, status=status) if line[0] == key]

    def json(self, *words, status=0):
        return json.loads(self.explain("--json", *words, status=status).stdout)


class PolicyExplain(Explaining):
    def setUp(self):
        super().setUp()
        self.policy.write_text(POLICY)
        self.write("ca.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", 0o600)

    def test_a_rule(self):
        note = ("note", "no program is given, so the rules of sections do not count; see --program")
        self.assertEqual([
            ("host", "api.example.com"), ("port", "443"),
            ("rule", "4", "api.example.com:443", "global"), ("mode", "enforce", "of the policy"), ("target", "leaf"),
            ("verify", "program"), ("min_version", "1.2"), ("pin", A, A), ("pin", B, B),
            ("hidden_rule", "5", "api.example.com"), ("hidden_rule", "6", "**.example.com"), note,
            ("outcome", "a server with another key is refused, and one that speaks an older TLS than 1.2 is refused")],
            self.lines("API.Example.com.:443"))
        self.assertEqual({
            "host": "api.example.com", "port": 443, "pin_rule": {
                "rule": f"{self.policy}:4", "mode": "enforce", "target": "leaf", "verify": "program", "pins": [A, B],
                "min_version": "1.2"}, "notes": [note[1]],
            "outcome": "a server with another key is refused, and one that speaks an older TLS than 1.2 is refused"},
            self.json("api.example.com:443"))

    def test_order_of_keys(self):
        answer = self.json("--program", "billing", "x.example.com:1")
        self.assertEqual(["host", "port", "program", "pin_rule", "section", "outcome"], list(answer))
        self.assertEqual(["rule", "mode", "target", "verify", "pins"], list(answer["pin_rule"]))
        self.assertEqual({"name": "billing", "rule": f"{self.policy}:16"}, answer["section"])

    def test_without_a_port_in_a_section(self):
        """One with rules for others, and one that has a rule of its own for the host."""
        for program, rules in (("narrow", [("4", "api.example.com:443")]), ("billing", [])):
            self.assertEqual(rules, self.values("with_port", "--program", program, "api.example.com"), program)

    def test_without_a_port(self):
        lines = self.lines("api.example.com")
        self.assertNotIn("port", [line[0] for line in lines])
        self.assertIn(("rule", "5", "api.example.com", "global"), lines)
        self.assertIn(("mode", "report", "of the rule"), lines)
        self.assertIn(("with_port", "4", "api.example.com:443"), lines)
        self.assertIn(("note", "no port is given: at those of with_port another rule applies; ask with HOST:PORT"),
                      lines)
        answer = self.json("api.example.com")
        self.assertNotIn("port", answer)
        self.assertEqual([{"port": 443, "rule": f"{self.policy}:4"}], answer["with_port"])

    def test_only_rules_for_ports(self):
        lines = self.lines("x.ports.example")
        rules = [line for line in lines if line[0] in ("rule", "other_rule")]
        self.assertEqual([("rule", "9", "*.ports.example:3", "global"), ("other_rule", "8", "*.ports.example:1",
                                                                         "global")], rules)
        self.assertEqual([(B, B), (A, A)], [line[1:] for line in lines if line[0] == "pin"])
        self.assertTrue(any(line[0] == "note" and "all of them apply" in line[1] for line in lines), lines)
        self.assertEqual(("outcome", "a server with another key is refused (keys that have expired do not count)"),
                         lines[-1])
        rule = self.json("x.ports.example")["pin_rule"]
        self.assertEqual((f"{self.policy}:9", [B, A]), (rule["rule"], rule["pins"]))
        self.assertEqual([{"rule": f"{self.policy}:8", "mode": "enforce", "target": "leaf", "verify": "program",
                           "pins": [A], "expires": "2020-01-01", "after_expiry": "refuse", "expired": True}],
                         rule["other_rules"])
        self.assertEqual([("none",)], self.values("rule", "x.ports.example:9", status=1))
        self.assertEqual([("8", "*.ports.example:1", "global")], self.values("rule", "x.ports.example:1"))

    def rules_for_ports(self, *settings):
        rules = ",\n".join(f'{{ domain = "x.lab:{port}"; {each} }}' for port, each in enumerate(settings, 1))
        self.policy.write_text(f"version = 1;\nsecurity: {{ pinned_public_keys = (\n{rules}\n); }};\n")

    def test_each_rule_has_its_own_settings(self):
        self.rules_for_ports(f'keys = "{A}"; verify = "require"; min_version = "1.3";',
                             f'keys = "{B}"; mode = "report"; min_version = "1.2"; target = "chain";')
        lines = [line for line in self.lines("x.lab") if line[0] not in ("host", "note", "outcome")]
        self.assertEqual([
            ("rule", "4", "x.lab:2", "global"), ("mode", "report", "of the rule"), ("target", "chain"),
            ("verify", "program"), ("min_version", "1.2"), ("pin", B, B),
            ("other_rule", "3", "x.lab:1", "global"), ("mode", "enforce", "of the policy"), ("target", "leaf"),
            ("verify", "require"), ("min_version", "1.3"), ("pin", A, A)], lines)
        answer = self.json("x.lab")
        self.assertEqual({
            "rule": f"{self.policy}:4", "mode": "report", "target": "chain", "verify": "program", "pins": [B, A],
            "min_version": "1.2", "other_rules": [{
                "rule": f"{self.policy}:3", "mode": "enforce", "target": "leaf", "verify": "require", "pins": [A],
                "min_version": "1.3"}]}, answer["pin_rule"])
        self.assertIn("of these rules the strictest mode, enforce, is that of a server with none of their keys",
                      answer["notes"])

    def test_outcome_of_several_rules(self):
        key, other = f'keys = "{A}";', f'keys = "{B}";'
        past = 'expires = "2020-01-01";'
        for settings, outcome in (
                ((key + 'target = "chain";', other),
                 "a server with another key, whose verified chain has no key of the rules with target chain either, "
                 "is refused"),
                ((key + 'target = "chain";', other + 'target = "chain";'),
                 "a server whose verified chain has none of these keys is refused"),
                ((key + past + 'target = "chain";', other),
                 "a server with another key is refused (keys that have expired do not count)"),
                ((key + past, other + 'mode = "report";'),
                 "a server with another key is refused (keys that have expired do not count)"),
                ((key + past, other + past), "a server with another key is only reported (the keys have expired)"),
                ((key + past + 'after_expiry = "refuse";', other + past),
                 "every server is refused, whatever its key is, for the keys have expired on 2020-01-01"),
                ((key + past, 'keys = "gone.pem";'),
                 "every server is refused, for none of the keys can be read (keys that have expired do not count)"),
                ((key + 'min_version = "1.3"; mode = "report";', other + 'min_version = "1.2";'),
                 "a server with another key is refused, and one that speaks an older TLS than 1.3 is only reported, "
                 "and one that speaks an older TLS than 1.2 is refused")):
            self.rules_for_ports(*settings)
            self.assertEqual([(outcome,)], self.values("outcome", "x.lab"), settings)

    def test_help_names_what_is_printed(self):
        help_text = self.explain("--help").stdout
        for key in ("note", "section", "unmatched", "unnamed", "with_port", "notes", "program_name", "other_rules"):
            self.assertRegex(help_text, rf"\b{key}\b")
        self.assertIn("no name may be under the rules of the address too", help_text)

    def test_rules_for_other_ports(self):
        note = (f"rules for other ports match ({self.policy}:13): they apply to a program whose port is not certain, "
                "as curl with --resolve, or behind a proxy; ask without a port")
        self.assertIn(note, self.json("10.0.0.5:2", status=1)["notes"])
        self.assertEqual([], [note for (note,) in self.values("note", "10.0.0.5:1") if "other ports" in note])
        self.assertEqual([], [note for (note,) in self.values("note", "no.rule:1", status=1) if "other" in note])

    def test_expired(self):
        self.assertEqual([("2020-01-01", "past")], self.values("expires", "x.ports.example:1"))
        self.assertEqual([("refuse",)], self.values("after_expiry", "x.ports.example:1"))
        self.assertEqual([("every server is refused, whatever its key is, for the keys have expired on 2020-01-01",)],
                         self.values("outcome", "x.ports.example:1"))
        self.assertEqual([("a server whose verified chain has none of these keys is only reported (the keys have "
                           "expired on 2020-01-01)",)], self.values("outcome", "old.example"))
        rule = self.json("old.example")["pin_rule"]
        self.assertEqual(("2020-01-01", "report", True, "chain", f"{self.folder}/ca.pem"),
                         tuple(rule[key] for key in ("expires", "after_expiry", "expired", "target", "ca_file")))
        self.assertNotIn("ca_path", rule)

    def test_keys_that_cannot_be_read(self):
        result = self.explain("gone.example")
        self.assertIn(f"tlsgraft: warning: {self.policy}:10: keys: ", result.stderr)
        self.assertEqual([(f"{self.folder}/gone.pem", "cannot be read: No such file or directory")],
                         self.values("unresolved", "gone.example"))
        self.assertEqual([("every server is refused, for none of the keys can be read",)],
                         self.values("outcome", "gone.example"))
        rule = self.json("old.example")["pin_rule"]
        self.assertEqual(([A], [{"key": f"{self.folder}/gone.pem",
                                 "reason": "cannot be read: No such file or directory"}]),
                         (rule["pins"], rule["unresolved"]))

    def test_pem(self):
        key = self.folder / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True,
                       stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", self.folder / "gone.pem"], check=True)
        (pin, name), = self.values("pin", "gone.example")
        self.assertRegex(pin, r"^sha256//.{43}=$")
        self.assertEqual(f"{self.folder}/gone.pem", name)
        self.write("gone.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 0o600)
        result = self.explain("api.example.com", status=2)
        self.assertTrue(result.stderr.startswith(f"{self.policy}:10: keys: "), result)

    def test_other_outcomes(self):
        for host, outcome in (
                ("off.example.com", "the server is not checked, for the mode is off"),
                ("x.example.com", "one whose certificate does not verify is refused"),
                ("api.example.com", "a server with another key is only reported"),
                ("x.ports.example:2", "a server with another key is refused, and one with a key of the rule is "
                                      "admitted even if its certificate does not verify")):
            self.assertEqual([(outcome,)], self.values("outcome", host), host)
        self.assertEqual([("/etc",)], self.values("ca_path", "x.example.com"))
        self.assertEqual([], self.values("ca_path", "api.example.com"))

    def test_no_rule(self):
        for about, unnamed, words in (("allow", "allow", "the server is not checked"),
                                      ("report", "report", "the server is not checked, and the connection is reported"),
                                      ("refuse", "refuse", "the connection is refused")):
            self.policy.write_text(POLICY.replace("ca_path", f'unmatched = "{about}"; unnamed = "{unnamed}";\nca_path'))
            lines = self.lines("no.rule", status=1)
            self.assertEqual([("rule", "none"), ("unmatched", about)], lines[1:3], lines)
            self.assertEqual(("outcome", words + ", for no rule matches it"), lines[-1], lines)
            self.assertEqual(("outcome", words + ", for no rule matches it"), self.lines("10.0.0.9", status=1)[-1])
            self.assertEqual([(unnamed,)], self.values("unnamed", "*", status=1))
            answer = self.json("no.rule", status=1)
            self.assertEqual(["host", "unmatched", "notes", "outcome"], list(answer))
        self.policy.write_text(POLICY)
        lines = self.lines("10.0.0.9", status=1)
        self.assertEqual([("unmatched", "allow"), ("unnamed", "report")], lines[2:4])
        self.assertIn("where the program has the address verified, or sends it as a name, the server is not checked; "
                      "else the server is not checked, and the connection is reported", lines[-1][1])
        self.policy.write_text(POLICY.replace("ca_path", 'mode = "report"; unmatched = "refuse";\nca_path'))
        self.assertEqual([("report",)], self.values("unmatched", "no.rule", status=1))

    def test_addresses(self):
        for host, line in (("10.0.0.5:1", "13"), ("[::ffff:10.0.0.5]:1", "13"), ("[2001:db8::1]:443", "13"),
                           ("[2001:DB8:0::1]", "13"), ("[2001:db8::1%lo]", "13"),
                           ("10.0.0.5", "13")):
            self.assertEqual(line, self.values("rule", host)[0][0], host)
        self.assertEqual([("2001:db8::1",)], self.values("host", "[2001:db8::1]:443"))

    def test_programs(self):
        for program, rule in (("/opt/x/billingd", "17"), ("billing", "17"), ("/usr/bin/billing", "17"),
                              ("/opt/billingd", "6"), ("billingd", "6"), ("other", "6"), ("legacyd", "6")):
            lines = self.lines("--program", program, "x.example.com")
            self.assertIn(("program", program), lines)
            self.assertEqual(rule, [line[1] for line in lines if line[0] == "rule"][0], program)
        lines = self.lines("--program", "billing", "api.example.com:443")
        self.assertIn(("section", "billing", "16"), lines)
        self.assertIn(("rule", "17", "*.example.com", "of the section"), lines)
        self.assertEqual([("4", "api.example.com:443"), ("5", "api.example.com"), ("6", "**.example.com")],
                         [line[1:] for line in lines if line[0] == "hidden_rule"])
        self.assertEqual([("legacy", "18", "its own rules do not count: certificate_pinning_disabled")],
                         self.values("section", "--program", "legacyd", "x.example.com"))
        self.assertEqual([("none",)], self.values("section", "--program", "other", "x.example.com"))

    def test_a_path_and_a_name(self):
        for words in (("/opt/x/none", "billing"), ("billing", "/opt/x/none")):
            words = [word for each in words for word in ("--program", each)]
            self.assertEqual([("/opt/x/none", "billing")], self.values("program", *words, "x.example.com"))
            self.assertEqual([("billing", "16")], self.values("section", *words, "x.example.com"))
        answer = self.json("--program", "/opt/x/billingd", "--program", "legacyd", "x.example.com")
        self.assertEqual(("/opt/x/billingd", "legacyd", "billing"),
                         (answer["program"], answer["program_name"], answer["section"]["name"]))
        for words, what in ((("/a", "/b"), "'/a' and '/b' are both paths; give one PATH (with a /), one NAME, or one"),
                            (("a", "b"), "'a' and 'b' are both names; give")):
            result = self.explain(*[word for each in words for word in ("--program", each)], "x", status=2)
            self.assertIn(f"tlsgraft: policy explain: --program: {what}", result.stderr)

    def test_an_executable_that_is_not_known(self):
        """Of a name alone, a section before its own may match the executable."""
        notes = dict.fromkeys(("billing", "/opt/none", "/opt/x/legacyd"), [])
        notes["legacyd"] = [("the executable is not known, and may match the section billing "
                             f"({self.policy}:16), which comes before; give its path as well, --program PATH --program "
                             "NAME")]
        notes["other"] = [notes["legacyd"][0].replace("), which comes before", ") or another of the 3 sections there "
                                                      "are, of which the first would then count")]
        for program, expected in notes.items():
            self.assertEqual(expected, self.json("--program", program, "x.example.com").get("notes", [])[:1], program)
        note = self.json("--program", "narrow", "x.example.com")["notes"][0]
        self.assertIn(":16) or another of the 2 sections that come before; give its path", note)

    def test_a_program_that_is_there(self):
        real = self.write("billing", b"\x7fELF")
        (self.folder / "link").symlink_to(real)
        lines = self.lines("--program", self.folder / "link", "x.example.com")
        self.assertIn(("program", str(real)), lines)
        self.assertIn(("section", "billing", "16"), lines)
        self.write("script", "#!/usr/bin/python3 -I\n")
        result = self.explain("--program", "./script", "x.example.com")
        python = os.path.realpath("/usr/bin/python3")
        self.assertIn(f"{self.folder}/script is a script, and runs as its interpreter: give the path of that "
                      f"({python} is judged), and the NAME", result.stderr)

    def test_a_script_is_judged_by_what_runs_it(self):
        python = os.path.realpath("/usr/bin/python3")
        script = self.folder / "job"
        self.policy.write_text(POLICY.replace('"billing" ]', f'"{script}" ]').replace('"legacyd"', f'"{python}"'))
        for text, program, section in (
                ("#!/usr/bin/python3 -I\n", python, "legacy"), ("#!/usr/bin/env python3\n", python, "legacy"),
                ("#!/usr/bin/env -S PATH=/usr/bin python3 -I\n", python, "legacy"),
                ("echo\n", os.path.realpath("/bin/sh"), "none"), ("#!/nowhere/to\n", str(script), "none"),
                ("#!/usr/bin/env no-such-program\n", str(script), "none"), (f"#!{script}\n", str(script), "none"),
                ("#!/usr/bin/env -i python3\n", str(script), "none")):
            self.write("job", text)
            result = self.explain("--program", script, "x.example.com")
            self.assertIn(f"--program: {script} is a script, and ", result.stderr)
            self.assertIn(f"program\t{program}\n", result.stdout, text)
            self.assertIn(f"section\t{section}", result.stdout, text)

    def test_a_path_that_is_not_there(self):
        result = self.explain("--program", "/opt/none", "x.example.com")
        self.assertIn("--program: /opt/none: No such file or directory; its path is compared as it is", result.stderr)

    def test_wrong_usage(self):
        for words, what in (((), "no HOST is given; see"), (("",), "it is empty; give the name of a host"),
                            (("a", "b"), "more than one HOST; see"), (("a,b",), "no host can have this name; allowed"),
                            (("*.a.example",), "'*.a.example': it is a pattern; give the name of one host"),
                            (("*:443",), "it is a pattern; give the name of one host"),
                            (("https://api.example.com/x",), "is a URL; give its host alone, and its port behind"),
                            (("2001:db8::1",), "write [2001:db8::1], or [2001:db8::1]:443 with a port"),
                            (("2001:db8::1:443",), "write [2001:db8::1]:443, or [2001:db8::1:443] for the address"),
                            (("a.example/x",), "no host can have this name; allowed are letters"),
                            (("a:0",), "is no port; give a number from 1 to 65535"), (("a:x",), "is no port; give"),
                            (("b\u00fccher.example",), "it is not ASCII; give the A-label, which begins with xn--"),
                            (("--program",), "needs an argument; see"),
                            (("--program", "", "a"), "--program: empty; give")):
            with self.subTest(words=words):
                result = self.explain(*words, status=2)
                self.assertEqual("", result.stdout)
                self.assertTrue(result.stderr.startswith("tlsgraft: policy explain: "), result)
                self.assertIn(what, result.stderr)

    def test_policies_that_cannot_be_read(self):
        self.assertIn("none.cfg: No such file or directory; name a policy file that can be read",
                      self.call("--policy", "none.cfg", "policy", "explain", "a").stderr)
        self.assertEqual(3, self.call("--policy", "none.cfg", "policy", "explain", "a").returncode)
        self.policy.write_text("version = 1;\nmod = 1;\n")
        self.assertTrue(self.explain("a", status=2).stderr.startswith(f"{self.policy}:2: mod: "))

    def test_a_terminal(self):
        """Names are aligned, nothing is said twice, and what may do harm is escaped."""
        self.policy.write_text(POLICY.replace('name = "billing"', 'name = "bill\\x1b[31ming"'))
        ours, theirs = pty.openpty()
        words = [COMMAND, "--policy", self.policy, "policy", "explain", "--program", "billing", "x.example.com:1"]
        subprocess.run(list(map(str, words)), stdout=theirs, stderr=subprocess.DEVNULL, check=True,
                       env=self.environment, timeout=60)
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:  # the end of a terminal
            pass
        os.close(ours)
        lines = text.decode().replace("\r", "").splitlines()
        self.assertIn("host:         x.example.com", lines)
        self.assertIn(f"rule:         {self.policy}:17 (*.example.com, of the section)", lines)
        self.assertIn(f"pin:          {B}", lines)
        self.assertIn(f"section:      bill\\x1b[31ming ({self.policy}:16)", lines)
        self.assertNotIn(b"\x1b", text)


SECRET = "of-the-store"


class ClientCertificates(Explaining):
    """The rules for client certificates; their candidates are files and records of a directory."""

    def setUp(self):
        super().setUp()
        self.long = self.both("long", 300)
        self.short = self.both("short", 30)
        authority, long, _ = self.identities
        self.write("swapped.pem", long.certificate.read_text() + authority.key.read_text(), 0o600)
        self.policy.write_text(self.text(""))
        self.id = self.call("--policy", self.policy, "cert", "add", self.long).stdout.splitlines()[-1]

    def both(self, name, days):
        """A file with a certificate and its key."""
        if not hasattr(self, "identities"):
            self.identities = [Identity(self.folder, "ca", ca=True)]
        identity = Identity(self.folder, f"its-{name}", issuer=self.identities[0], days=days)
        self.identities.append(identity)
        return self.write(f"{name}.pem", identity.certificate.read_text() + identity.key.read_text(), 0o600)

    def text(self, rules, section="", more="", secret=SECRET):
        return f"""version = 1; {more}
store: {{ path = "{self.folder}"; }};
security: {{ private_certificate_encoding_secret = "{secret}"; upstream_certificates = (
{rules} ); }};
programs = ( {{ name = "billing"; match = "billing"; upstream_certificates = (
{section} ); }} );
"""

    def client(self, *words, status=0):
        """What JSON has of it; None: nothing."""
        return self.json(*words, status=status).get("client_certificate")

    def test_the_one_that_is_chosen_and_why_not_the_others(self):
        self.policy.write_text(self.text(f"""{{ domain = "*.partner.com";
            certificate = [ "short.pem", "{self.id}", "swapped.pem", "no-such-id" ]; }}"""))
        client = self.client("api.partner.com:443")
        self.assertEqual({key: client[key] for key in ("rule", "mode", "required", "chosen")},
                         {"rule": f"{self.policy}:4", "mode": "enforce", "required": True, "chosen": self.id})
        self.assertFalse(client["keep_program_certificate"])
        rejected = [(item["reference"].rsplit("/", 1)[-1], item["reason"]) for item in client["rejected"]]
        self.assertEqual([reference for reference, _ in rejected], ["short.pem", "swapped.pem", "no-such-id"])
        for (_, reason), words in zip(rejected, ("expires on ", "belongs to another certificate",
                                                 "has no such record: it is taken for a certificate id")):
            self.assertIn(words, reason)
        self.assertTrue(rejected[1][1].startswith("has a private key"), rejected)
        self.assertIn(f"gets {self.id}, or another one where that alone fits", client["outcome"])
        lines = self.lines("api.partner.com:443")
        self.assertIn(("client_rule", "4", "*.partner.com", "global"), lines)
        self.assertIn(("chosen", self.id), lines)
        self.assertIn(("client_mode", "enforce", "of the policy"), lines)
        self.assertEqual([line[1].rsplit("/", 1)[-1] for line in lines if line[0] == "rejected"],
                         ["short.pem", "swapped.pem", "no-such-id"])

    def test_no_rule(self):
        self.policy.write_text(self.text('{ domain = "a"; certificate = "long.pem"; }'))
        self.assertIsNone(self.client("b", status=1))
        self.assertEqual(self.values("client_rule", "b", status=1), [])

    def test_one_that_is_not_valid(self):
        gone, later = self.both("gone", -1), self.later()
        self.policy.write_text(self.text('''{ domain = "a"; certificate = "gone.pem"; },
            { domain = "b"; certificate = "later.pem"; }, { domain = "c"; certificate = [ "gone.pem", "later.pem" ]; }'''))
        for host, path, words in (("a", gone, "expired on 20"), ("b", later, "is not valid before 2998-12-31")):
            answer = self.json(host)
            self.assertIn(f"gets {path}, which {words}", answer["client_certificate"]["outcome"])
            self.assertIn(f"the client certificate {path} {words}", answer["notes"][-1])
            self.assertTrue(answer["notes"][-1].endswith(", so servers may refuse it"))
            self.assertIn(answer["notes"][-1], [note for note, in self.values("note", host)])
        self.assertIn(f"gets {later}, which is not valid before 2998", self.client("c")["outcome"])
        lines = self.call("--policy", self.policy, "policy", "check").stderr.splitlines()
        self.assertEqual(len(lines), 4, lines)
        self.assertIn(f"{self.policy}:4: certificate: the client certificate expired on 20", lines[0])
        advice = ", and no other one of the rule is valid now, so servers may refuse what they get; name one that is valid"
        for line, words in zip(lines[1:], ("is not valid before 2998-12-31", "expired on 20", "is not valid before 2998")):
            self.assertIn(f"{self.policy}:5: certificate: the client certificate", line)
            self.assertIn(words, line)
            self.assertTrue(line.endswith(advice), line)
        self.assertNotIn("which", self.client_of_long()["outcome"])

    def client_of_long(self):
        self.policy.write_text(self.text('{ domain = "a"; certificate = "long.pem"; }'))
        return self.client("a")

    def test_days_are_counted_as_in_events(self):
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2, hours=12)
        self.later("20200101000000Z", end.strftime("%Y%m%d%H%M%SZ"))
        self.policy.write_text(self.text('{ domain = "a"; certificate = "later.pem"; }'))
        checked = self.call("--policy", self.policy, "policy", "check")
        self.assertIn(f"({end:%Y-%m-%d} is in 2 days)", checked.stderr)

    def later(self, start="29981231000000Z", end="29991231000000Z"):
        """A file with a certificate that is, if nothing else is said, not valid yet."""
        self.write("openssl.cnf", "[ca]\ndefault_ca = it\n[it]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n"
                                  "default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n", 0o600)
        self.write("index", "", 0o600)
        authority, long = self.identities[:2]
        openssl("req", "-new", "-key", long.key, "-subj", "/CN=later", "-out", self.folder / "later.csr")
        subprocess.run(["openssl", "ca", "-config", "openssl.cnf", "-batch", "-notext", "-cert", authority.certificate,
                        "-keyfile", authority.key, "-startdate", start, "-enddate", end,
                        "-in", "later.csr", "-out", "later.crt"], cwd=self.folder, check=True,
                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return self.write("later.pem", (self.folder / "later.crt").read_text() + long.key.read_text(), 0o600)

    def test_one_that_openssl_may_not_take(self):
        weak = Identity(self.folder, "weak", kind="weak", issuer=self.identities[0])
        self.write("weak.pem", weak.certificate.read_text() + weak.key.read_text(), 0o600)
        self.policy.write_text(self.text('{ domain = "a"; certificate = "weak.pem"; }'))
        words = "is weak: a program whose OpenSSL has security level 2 (Debian's default) does not take it: ee key too " \
                "small"
        self.assertTrue(self.json("a")["notes"][-1].endswith(words))
        checked = self.call("--policy", self.policy, "policy", "check")
        self.assertEqual(checked.returncode, 0, checked)
        self.assertIn(f"{self.policy}:4: certificate: the client certificate {self.folder}/weak.pem {words}; have a stronger "
                      "one made\n", checked.stderr)
        self.client_of_long()
        self.assertNotIn("is weak", json.dumps(self.json("a")))

    def test_it_is_a_rule_for_a_server_without_a_name(self):
        rule = '{ domain = "10.0.0.5"; certificate = "long.pem"; }'
        self.policy.write_text(self.text(rule, more='unnamed = "refuse"; unmatched = "refuse";'))
        self.assertEqual([("allow",)], self.values("unnamed", "10.0.0.5"))
        self.assertEqual("only a rule for client certificates matches it: where the program has the address verified, "
                         "or sends it as a name, the connection is refused; else the server is not checked",
                         self.json("10.0.0.5")["outcome"])
        self.assertEqual([("refuse",)], self.values("unnamed", "10.0.0.6", status=1))
        self.policy.write_text(self.text(rule.replace("10.0.0.5", "*"), more='unnamed = "refuse";'))
        self.assertEqual("the server is not checked, for only a rule for client certificates matches it",
                         self.json("*")["outcome"])
        self.assertIn("for no rule matches it", self.json("some.name")["outcome"])

    def test_a_wrong_secret(self):
        self.policy.write_text(self.text(f"""{{ domain = "a"; certificate = "{self.id}"; }},
            {{ domain = "b"; certificate = "{self.id}"; required = false; }}""", secret="another-one"))
        client = self.client("a")
        self.assertNotIn("chosen", client)
        self.assertIn("the secret is wrong", client["rejected"][0]["reason"])
        self.assertNotIn("another-one", json.dumps(client))
        self.assertEqual(client["outcome"], "a server that asks for a certificate is refused, for none can be used")
        self.assertIn("the program does as it would", self.client("b")["outcome"])

    def test_sections_ports_and_modes(self):
        self.policy.write_text(self.text("""{ domain = "a"; certificate = "long.pem"; },
            { domain = "a:8443"; certificate = "short.pem"; keep_program_certificate = true; },
            { domain = "b"; certificate = "long.pem"; mode = "off"; },
            { domain = "c"; certificate = "long.pem"; mode = "report"; }""",
                                         '{ domain = "*"; certificate = "short.pem"; }'))
        self.assertTrue(self.client("a")["chosen"].endswith("long.pem"))
        self.assertEqual(self.json("a")["client_with_port"], [{"port": 8443, "rule": f"{self.policy}:5"}])
        self.assertEqual(self.values("client_with_port", "a"), [("5", "a:8443")])
        client = self.client("a:8443")
        self.assertTrue(client["chosen"].endswith("short.pem"))
        self.assertTrue(client["outcome"].endswith("short.pem, if it accepts that kind of key, unless the program has set one of its own"))
        note = f"({self.policy}:5) is for port 8443, so it applies only where that is the connection's own for sure: "
        self.assertIn(note, self.json("a:8443")["notes"][-1])
        self.assertTrue(self.json("a:8443")["notes"][-1].endswith(f"; to these applies that at {self.policy}:4"))
        self.assertNotIn("is for port", json.dumps(self.json("a:1")))
        self.assertNotIn("chosen", self.client("b"))
        self.assertEqual(self.client("b")["outcome"], "the program does as it would, for the mode is off")
        self.assertIn("chosen", self.client("c"))
        self.assertEqual(self.client("c")["outcome"], "the program does as it would, for the mode is report")
        self.assertEqual(self.values("client_rule", "--program", "billing", "a:8443"), [("9", "*", "of the section")])

    def test_only_a_rule_for_a_port(self):
        self.policy.write_text(self.text('{ domain = "a:8443"; certificate = "long.pem"; }'))
        self.assertIsNone(self.client("a", status=1))
        self.assertEqual(self.json("a", status=1)["client_with_port"][0]["port"], 8443)

    def test_a_store_that_does_not_answer(self):
        self.policy.write_text(f"""version = 1; store: {{ type = "redis"; address = "127.0.0.1:1"; }};
            security: {{ upstream_certificates = ( {{ domain = "a"; certificate = "{self.id}"; }} ); }};""")
        client = self.client("a", status=3)
        self.assertIn("Redis 127.0.0.1:1", client["rejected"][0]["reason"])


if __name__ == "__main__":
    unittest.main()
