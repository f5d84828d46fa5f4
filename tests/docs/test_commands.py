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
from markdown import TOP

HERE = pathlib.Path(__file__).resolve().parent
# As scripts/test tries them.
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


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


for each in markdown.pages():
    if os.environ.get("PAGE", each) == each:
        setattr(Commands, "test_" + re.sub(r"\W", "_", each.lower()), test_of(each))


if __name__ == "__main__":
    unittest.main()
