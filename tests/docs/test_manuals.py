"""The manual pages: they are well formed, and say of each setting, command and option what the program itself says."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
MANUALS = TOP / "docs" / "man"
BUILD = pathlib.Path(os.environ["TLSGRAFT_BUILD"])
COMMAND = BUILD / "bin" / "tlsgraft"
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

# The groups of a policy, as the page heads them, each with a policy that has SETTING in it.
GROUPS = {
    "Top level": "SETTING",
    "store": "store: { SETTING };",
    "security": "security: { SETTING };",
    "security.pinned_public_keys": "security: { pinned_public_keys = ( { SETTING } ); };",
    "security.upstream_certificates": "security: { upstream_certificates = ( { SETTING } ); };",
    "security.certificate_expiry_monitor": "security: { certificate_expiry_monitor: { SETTING }; };",
    "programs": "programs = ( { SETTING } );",
    "events": "events: { SETTING };",
}
# Beside these there is nothing that a setting could be, in the words of the errors.
SAMPLES = {
    "a group": ["{ }"],
    "a list of groups": ["( )"],
    "a text in quotes": ['"x"'],
    "a date in quotes": ['"2030-01-01"'],
    "true or false": ["true", "false"],
}


def run(*words):
    return subprocess.run([str(COMMAND), *map(str, words)], env=ENVIRONMENT, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def plain(roff):
    """The text of some lines of a page, without its markup."""
    text = re.sub(r'\\f\\?.|\\&|^\.\\".*$', "", roff, flags=re.M)
    text = re.sub(r"^\.(?:SS|SH|[A-Z]{1,2})\b ?", "", text, flags=re.M)
    for escape, character in (("\\(dq", '"'), ("\\-", "-"), ('"', '"'), ("\\(ti", "~"), ("\\e", "\\")):
        text = text.replace(escape, character)
    return " ".join(text.split())


def sections(page, macro):
    """The parts of a page below each heading."""
    parts = re.split(rf'^\.{macro} "?(.*?)"?$', page, flags=re.M)
    return dict(zip(parts[1::2], (re.split(r"^\.SH", part, flags=re.M)[0] for part in parts[2::2])))


def entries(part):
    """What each term of a list says; terms that share their text (.TQ) each have it."""
    found = {}
    for entry in re.split(r"^\.TP\n", part, flags=re.M)[1:]:
        lines = entry.split("\n")
        terms = [lines.pop(0)]
        while lines and lines[0] == ".TQ":
            del lines[0]
            terms.append(lines.pop(0))
        text = plain(re.split(r"^\.(?:PP|SS)", "\n".join(lines), flags=re.M)[0])
        found.update({plain(term).replace('"', ""): text for term in terms})
    return found


def statuses(text):
    """What "0 done; 1 not" says of each number."""
    return dict(re.findall(r"(?:^|; ?)\s*(\d+) ([^;]+)", text))


class Form(unittest.TestCase):
    """As man(1) finds and shows them once they are installed."""

    def test_pages(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cmake", "--install", str(BUILD), "--prefix", folder], check=True,
                           stdout=subprocess.PIPE)
            environment = dict(ENVIRONMENT, PATH=f"{folder}/bin:{ENVIRONMENT['PATH']}", MANWIDTH="80")
            for path in sorted(MANUALS.glob("man?/*")):
                with self.subTest(path.name):
                    name, section = path.name.split(".")
                    found = subprocess.run(["man", "-w", section, name], env=environment, check=False,
                                           stdout=subprocess.PIPE, text=True)
                    self.assertTrue(found.stdout.startswith(f"{folder}/share/man/man{section}/tlsgraft"), found)
                    shown = subprocess.run(["man", "--warnings=w", "-E", "UTF-8", "-Tutf8", "-Z", section, name],
                                           env=environment, check=False, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE)
                    self.assertEqual((shown.returncode, shown.stderr), (0, b""))
                    self.assertGreater(len(shown.stdout), 5000)


class Policy(unittest.TestCase):
    """tlsgraft-policy(5) against what `policy check` says of wrong settings."""

    @classmethod
    def setUpClass(cls):
        cls.page = (MANUALS / "man5" / "tlsgraft-policy.5").read_text()
        cls.groups = {name: entries(part) for name, part in sections(cls.page, "SS").items() if name in GROUPS}

    def check(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "policy.cfg")
            path.write_text(text)
            return run("policy", "check", path).stderr

    def complaint(self, group, setting):
        """What is said about one setting."""
        begin = "" if setting.startswith("version") else "version = 1;\n"
        said = self.check(begin + GROUPS[group].replace("SETTING", setting) + "\n")
        name = setting.split()[0]
        return " ".join(re.findall(rf"^/\S+:\d+: ({name}: .*)$", said, flags=re.M))

    def names(self, group):
        said = self.complaint(group, "zqzqzqzqzq = 1;")
        return set(re.split(r", | and ", said.split("allowed here are ")[1]))

    def values(self, group, name):
        """What is to stand in the page of its values, and some that are allowed."""
        allowed = self.complaint(group, f"{name} = 1.5;").split("; allowed is ")[1]
        if allowed == "a word in quotes":
            words = re.findall(r'"[^"]+"', self.complaint(group, f'{name} = "zqzq";').split("allowed are")[1])
            return words, words
        if allowed == "a whole number":
            numbers = re.findall(r"\d+", self.complaint(group, f"{name} = -7;").split("allowed is")[1])
            return numbers, numbers
        return [], next(values for words, values in SAMPLES.items() if allowed.startswith(words))

    def test_each_setting_is_there_and_no_other(self):
        self.assertEqual(set(self.groups), set(GROUPS))
        for group in GROUPS:
            with self.subTest(group):
                self.assertEqual(set(self.groups[group]), self.names(group))

    def test_values_and_what_is_not_supported(self):
        for group, settings in self.groups.items():
            for name, text in settings.items():
                with self.subTest(group=group, setting=name):
                    words, values = self.values(group, name)
                    for word in words:
                        self.assertIn(word, text)
                    said = [self.complaint(group, f"{name} = {value};") for value in values]
                    refused = any(f"{name}: not supported yet" in words for words in said)
                    # A group or list is refused for what is in it, which has a text of its own.
                    self.assertEqual(refused, "not supported yet" in text.lower() and values[0][0] not in "({")

    def test_required_settings(self):
        for group, settings in self.groups.items():
            without = self.check('mode = "off";' if group == "Top level" else
                                 "version = 1;\n" + GROUPS[group].replace("SETTING", ""))
            for name, text in settings.items():
                with self.subTest(group=group, setting=name):
                    self.assertEqual(re.search(rf": {name}: missing;", without) is not None,
                                     "Required" in text)

    def test_the_examples_are_valid(self):
        examples = re.findall(r"^\.nf\n(.*?)^\.fi", self.page, flags=re.M | re.S)
        self.assertEqual(len(examples), 2)
        for example in examples:
            text = re.sub(r"\\-", "-", example)
            self.assertNotIn("\\", text)
            # Its keys and authorities need not be there; each file is one that could not be read, and no more.
            for line in self.check(text).splitlines():
                self.assertRegex(line, "cannot be read: No such file or directory|a second key|only one key")


def literals(*folders):
    """The texts in the sources, whose parts on several lines are joined, without quotes that are escaped."""
    for folder in folders:
        for path in sorted((TOP / folder).glob("*.c")):
            for text in re.findall(r'"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*', path.read_text()):
                yield re.sub(r'"\s*"', "", text)[1:-1].replace('\\"', '"')


class Troubleshooting(unittest.TestCase):
    """What the page quotes as messages are messages of the program."""

    def test_messages(self):
        page = (TOP / "docs" / "troubleshooting.md").read_text()
        part = page.split("## What `policy check` says")[1].split("\n## ")[0]
        quoted = [phrase for row in re.findall(r"^\| (`.*?`) \|", part, flags=re.M) for phrase in re.findall(r"`(.*?)`", row)]
        self.assertGreater(len(quoted), 8)
        said = list(literals("config", "policy", "cli"))
        for phrase in quoted:
            with self.subTest(phrase):
                # Between them is what is put in: other words, or those of libconfig and the C library.
                pieces = re.split(r"\.\.\.|FILE:LINE|syntax error;|No such file or directory|, made by: ", phrase)
                for piece in filter(None, (piece.strip(" ;:,") for piece in pieces)):
                    self.assertTrue(any(piece in text for text in said), f"nothing says '{piece}'")


class Commands(unittest.TestCase):
    """tlsgraft(1) and tlsgraft-run(1) against the help of the commands."""

    @classmethod
    def setUpClass(cls):
        cls.page = (MANUALS / "man1" / "tlsgraft.1").read_text()
        cls.parts = {plain(heading): part for heading, part in sections(cls.page, "SS").items()}
        overview = run("--help").stdout.split("commands:\n")[1].split("\n\n")[0]
        cls.commands = [line[2:16].strip() for line in overview.splitlines()]

    def test_each_command_is_there_and_no_other(self):
        self.assertEqual(set(self.parts), set(self.commands))

    def test_options(self):
        for command in self.commands:
            with self.subTest(command):
                told = set(re.findall(r"--[a-z][a-z-]+", run(*command.split(), "--help").stdout)) - {"--help"}
                part = plain(self.parts[command])
                if command == "run":
                    part = plain((MANUALS / "man1" / "tlsgraft-run.1").read_text())
                    told |= {"--help"}
                written = set(re.findall(r"--[a-z][a-z-]+", part))
                # Each speaks of others in passing; each own option is a term in the list of the page.
                self.assertLessEqual(told, written | {"--policy"})
                terms = {word for term in entries(self.parts[command]) for word in re.findall(r"--[a-z-]+", term)}
                self.assertLessEqual(terms, told)

    def test_statuses(self):
        """The same numbers, in the same words; tlsgraft-run(1) may say more."""
        for command in self.commands:
            with self.subTest(command):
                said = run(*command.split(), "--help").stdout.split("\nstatus:")[1]
                told = statuses(" ".join(said.split("\n\n")[0].split()))
                self.assertGreater(len(told), 2)
                if command == "run":
                    page = (MANUALS / "man1" / "tlsgraft-run.1").read_text()
                    written = entries(sections(page, "SH")["EXIT STATUS"])
                    written = {status: text[:len(told.get(status, text))] for status, text in written.items()}
                else:
                    written = statuses(plain(self.parts[command]).split("Exit status:")[1].rstrip("."))
                self.assertEqual(written, told)

    def test_numbers(self):
        """Each that the help of a command has (days, ports, examples of times) is in its part of the page."""
        for command in self.commands:
            with self.subTest(command):
                told = run(*command.split(), "--help").stdout.split("\nstatus:")[0]
                part = plain(self.parts[command]).split("Exit status:")[0]
                for number in re.findall(r"\b\d+[smhd]?\b(?: days?\b)?", told):
                    self.assertRegex(part, rf"\b{number}\b")

    def test_where_the_policy_is_looked_for(self):
        """The order is that of the overview wherever it is told."""
        order = ["TLSGRAFT_POLICY", "/etc/tlsgraft/policy.cfg"]
        told = re.search(r"^ *--policy FILE(.*)", run("--help").stdout, flags=re.M)[1]
        texts = [told, run("run", "--help").stdout, run("policy", "check", "--help").stdout]
        for path in sorted(MANUALS.glob("man1/*")):
            texts += [text for term, text in entries(path.read_text()).items() if term.startswith("--policy")]
        self.assertGreater(len(texts), 4)
        for text in texts:
            self.assertEqual(order, re.findall(r"else (?:that of )?(TLSGRAFT_POLICY|/etc/\S+)", text), text)

    def test_json_keys(self):
        """Each key that a command prints is in its part of the page."""
        examples = TOP / "config" / "examples"
        for words in (("doctor", sys.executable), ("doctor", "--pid", os.getpid()),
                      ("pin", examples / "partner-ca.pem"),
                      ("--policy", examples / "full.cfg", "policy", "explain", "--program", "/opt/billing/bin/x",
                       "x.bank.example:443"),
                      ("--policy", examples / "full.cfg", "policy", "explain", "api.example.com:443"),
                      ("--policy", examples / "full.cfg", "policy", "explain", "x.corp.example"),
                      ("--policy", examples / "store.cfg", "policy", "explain", "api.partner.example"),
                      *(("--policy", examples / "store.cfg", "cert", command, path.stem)
                        for command in ("show", "usage") for path in (examples / "certs").glob("*.pem"))):
            with self.subTest(words):
                keys = set()
                json.loads(run(*words, "--json").stdout, object_hook=keys.update)
                command = next(command for command in self.commands if command in " ".join(map(str, words)))
                self.assertGreater(len(keys), 2)
                self.assertLessEqual(keys, set(re.findall(r"\w+", plain(self.parts[command]))))

    def test_variables(self):
        """Each variable that a program looks at has its text in a page."""
        written = set()
        for path in MANUALS.glob("man?/*"):
            written |= set(entries(sections(path.read_text(), "SH").get("ENVIRONMENT", "")))
        sources = [path.read_text() for folder in ("cli", "config", "preload", "policy")
                   for path in (TOP / folder).glob("*.c")]
        names = {name for text in sources for name in re.findall(r'getenv\("(\w+)"\)', text)}
        self.assertIn("TLSGRAFT_POLICY", names)
        self.assertLessEqual(names, written)


if __name__ == "__main__":
    unittest.main()
