"""What needs no reader: the links of the pages, the help of the scripts, and the conventions of the pages themselves."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import markdown
from markdown import TOP, pages


class Links(unittest.TestCase):
    """What a page leads to is there, in the sources and as it is installed."""

    def check(self, top, found):
        for path in found:
            page = str(path.relative_to(top))
            for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", path.read_text()):
                with self.subTest(page=page, target=target):
                    self.assertTrue((path.parent / target).exists())

    def test_links(self):
        self.check(TOP, [TOP / page for page in pages()])

    def test_installed_links(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cmake", "--install", os.environ["TLSGRAFT_BUILD"], "--prefix", folder], check=True,
                           stdout=subprocess.PIPE)
            top = pathlib.Path(folder, "share", "doc", "tlsgraft")
            found = sorted(top.rglob("*.md"))
            self.assertEqual({str(path.relative_to(top)) for path in found}, set(pages()))
            self.check(top, found)

    def test_installed_directory_of_each_boot(self):
        """The state directory of the policy's default, as its first user would make it."""
        default = re.search(r'default_state_directory\[\] = "(.*)"', (TOP / "config" / "events.c").read_text())[1]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cmake", "--install", os.environ["TLSGRAFT_BUILD"], "--prefix", folder], check=True,
                           stdout=subprocess.PIPE)
            lines = pathlib.Path(folder, "lib", "tmpfiles.d", "tlsgraft.conf").read_text().splitlines()
        self.assertEqual([line for line in lines if not line.startswith("#")], [f"d {default} 1777 root root -"])


class Scripts(unittest.TestCase):
    """Each tells what it is for, and starts nothing when it is called wrongly."""

    def call(self, path, *words):
        return subprocess.run([str(path), *words], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60,
                              env={"PATH": f"{os.environ['TLSGRAFT_BUILD']}/bin:{os.environ['PATH']}"})

    def test_help(self):
        for path in sorted((TOP / "scripts").iterdir()):
            with self.subTest(path.name):
                shown = self.call(path, "--help")
                self.assertEqual((shown.returncode, shown.stderr), (0, ""))
                name = path.name.replace("tlsgraft-run", "tlsgraft run")
                self.assertRegex(shown.stdout, rf"^(usage: )?{name}\b[^\n]*\n\n?.")
                self.assertNotIn("set -euo", shown.stdout)
                self.assertEqual(self.call(path, "-h").stdout, shown.stdout)

    def test_wrong_usage(self):
        for name in ("bench", "build-portable", "in-root", "install-packages", "quickstart", "root", "test"):
            with self.subTest(name):
                result = self.call(TOP / "scripts" / name, "--bogus")
                self.assertNotEqual(result.returncode, 0)
                self.assertEqual(result.stdout, "")
                self.assertRegex(result.stderr, rf"^{name}: --bogus: [^\n]*; usage: {name} ?[^\n]*\n$")


class Pages(unittest.TestCase):
    """The conventions themselves."""

    def assert_refused(self, page, words):
        with self.assertRaisesRegex(markdown.PageError, words):
            for block in markdown.blocks_of(page):
                if block.kind == "console":
                    markdown.commands_of(block)

    def test_what_cannot_be_executed_is_refused(self):
        self.assert_refused("```\ntlsgraft doctor curl\n```\n", "a fence for ''")
        self.assert_refused("```bash\ntlsgraft doctor curl\n```\n", "a fence for 'bash'")
        self.assert_refused("```text\ntlsgraft doctor curl\n```\n", "line 2: a command in a text block")
        self.assert_refused("```text\nx\n  $ curl\n```\n", "line 3: a command in a text block")
        self.assert_refused("Do:\n\n    tlsgraft doctor curl\n", "line 3: an indented block")
        self.assert_refused("Do:\n\n\ttlsgraft doctor curl\n", "line 3: an indented block")
        self.assert_refused("> ```sh\n> ls\n> ```\n", "line 1: a fence that stands in a line of text")
        self.assert_refused("~~~sh\nls\n~~~\n", "line 1: a fence that stands in a line of text")
        self.assert_refused("```sh\nls\n", "the block has no end")
        self.assert_refused("Write this:\n```cfg\nversion = 1;\n```\n", "names no file")
        self.assert_refused("```console\nls\n```\n", "begins with a command")

    def test_blocks(self):
        page = "Write `a` to `b.cfg`:\n\n1. x\n\n   `c.cfg`:\n   ```cfg\n   version = 1;\n   ```\n" \
               "<!-- test: it rains -->\n```console\n$ a |\n  b\nc\nd\n$ e\n```\n"
        cfg, note, console = markdown.blocks_of(page)
        self.assertEqual((cfg.file, cfg.text, note.text), ("c.cfg", "version = 1;\n", "it rains"))
        first, second = markdown.commands_of(console)
        self.assertEqual((first.text, first.output, first.line), ("a |\n  b\n", "c\nd\n", 11))
        self.assertEqual((second.text, second.output), ("e\n", ""))

    def test_what_is_printed_is_compared(self):
        for expected, printed in (("a\tb", "a b\n"), ("a\n  b c", "a b\tc\n"), ("x...z", "x y z\n"), ("", ""),
                                  ("a\n...\nd", "a\nb\nc\nd\n"), ("a\n...", "a\n"), ("pid[...]: b", "pid[12]: b\n"),
                                  ("a, ...", "a, b c\n")):
            self.assertTrue(markdown.matches(expected, printed), (expected, printed))
        for expected, printed in (("a", "b\n"), ("a", "a\nb\n"), ("", "a\n"), ("a", ""), ("x...z", "x y\nz\n"),
                                  ("a.c", "abc\n"), ("ab", "a b\n"), ("a\n...\nd", "a\nb\nc\n")):
            self.assertFalse(markdown.matches(expected, printed), (expected, printed))


if __name__ == "__main__":
    unittest.main()
