"""Every command block of the README and of the pages in docs/ does what the page says.

PAGE=docs/x.md in the environment: that page alone.
"""
import os
import pathlib
import re
import subprocess
import sys
import unittest

import markdown

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def pages():
    found = [TOP / "README.md", TOP / "CHANGELOG.md", *sorted((TOP / "docs").rglob("*.md"))]
    return [str(path.relative_to(TOP)) for path in found]


class Commands(unittest.TestCase):
    """A test for each page; one without commands is read all the same, for it must not hide any."""

    def follow(self, page):
        words = list(NAMESPACES)
        if os.geteuid() != 0:
            words.append("--map-root-user")
        result = subprocess.run([*words, sys.executable, str(HERE / "page.py"), page], check=False, timeout=600,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        self.assertEqual(result.returncode, 0, "\n" + result.stdout)


def test_of(page):
    def test(self):
        blocks = markdown.blocks_of((TOP / page).read_text())
        if any(block.kind in ("sh", "console") for block in blocks):
            self.follow(page)
    return test


for each in pages():
    if os.environ.get("PAGE", each) == each:
        setattr(Commands, "test_" + re.sub(r"\W", "_", each.lower()), test_of(each))


class Links(unittest.TestCase):
    """What a page leads to is there."""

    def test_links(self):
        for page in pages():
            path = TOP / page
            for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", path.read_text()):
                with self.subTest(page=page, target=target):
                    self.assertTrue((path.parent / target).exists())


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
