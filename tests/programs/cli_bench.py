"""What the tests of the command share: where it is, a place to work in, programs made for one property."""

import os
import pathlib
import shutil
import subprocess
import unittest

from scratch import scratch

BUILD = pathlib.Path(os.environ["TLSGRAFT_BUILD"]).resolve()
COMMAND = BUILD / "bin" / "tlsgraft"
LIBRARY = BUILD / "lib" / "tlsgraft" / "libtlsgraft.so"
SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


class Bench(unittest.TestCase):
    """A folder and a valid policy for each test; the environment holds nothing of ours."""

    def setUp(self):
        self.folder = scratch("tlsgraft-cli-", self.addCleanup)
        self.policy = self.write("policy.cfg", "version = 1;\n", 0o600)
        self.environment = {"PATH": PATH, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def call(self, *words, command=COMMAND, env=None, **more):
        """Runs the command; nothing of it may end by a signal."""
        environment = dict(self.environment, **(env or {}))
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("cwd", self.folder)
        return subprocess.run([str(command), *map(str, words)], env=environment, timeout=120, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def doctor(self, program, *words):
        return self.call("doctor", program, *words)

    def run_program(self, *words, **more):
        return self.call("run", "--policy", self.policy, *words, **more)

    def assert_yes(self, program, *texts):
        result = self.doctor(program)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        answer = result.stdout.rstrip("\n").split("\t")
        self.assertEqual(answer[1], "yes", result)
        for text in texts:
            self.assertIn(text, answer[2])
        return answer

    def assert_no(self, program, *texts):
        """Doctor says no, run refuses, and both give the reason."""
        answered = self.doctor(program)
        self.assertEqual((answered.returncode, answered.stderr), (1, ""), answered)
        self.assertEqual(answered.stdout.split("\t")[1], "no", answered)
        refused = self.run_program(program)
        self.assertEqual((refused.returncode, refused.stdout), (125, ""), refused)
        for text in texts:
            self.assertIn(text, answered.stdout.split("\t")[2])
            self.assertIn(text, refused.stderr)
        return answered.stdout.rstrip("\n").split("\t")

    def write(self, name, content, mode=0o755):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def compile(self, name, source, *flags):
        path = self.folder / name
        subprocess.run(["gcc", "-x", "c", "-", "-x", "none", "-o", str(path), *map(str, flags)],
                       input=source.encode(), check=True, cwd=self.folder)
        return path

    def touching(self, name, *flags):
        """A program that leaves a file, `NAME.ran`, when it is run."""
        mark = self.folder / f"{name}.ran"
        source = f"""#include <fcntl.h>
            int main(void) {{ return open("{mark}", O_CREAT | O_WRONLY, 0600) < 0; }}"""
        return self.compile(name, source, *flags), mark

    def needing(self, name, *sonames):
        """A program that needs libraries of these names at start; they are empty."""
        libraries = [self.library(soname, f"-Wl,-soname,{soname}") for soname in sonames]
        return self.program(name, "-Wl,--no-as-needed", *libraries, f"-Wl,-rpath,{self.folder}")

    def library(self, name, *flags):
        return self.compile(name, "int none;", "-shared", "-fPIC", *flags)

    def program(self, name, *flags):
        return self.compile(name, "int main(void) { return 0; }", *flags)

    def install(self, place):
        """A copy of the command and its library in another place; the command's path."""
        prefix = self.folder / place
        (prefix / "bin").mkdir(parents=True)
        (prefix / "lib" / "tlsgraft").mkdir(parents=True)
        shutil.copy(COMMAND, prefix / "bin" / "tlsgraft")
        shutil.copy(LIBRARY, prefix / "lib" / "tlsgraft" / "libtlsgraft.so")
        return prefix / "bin" / "tlsgraft"
