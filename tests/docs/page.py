#!/usr/bin/python3
"""Does what a page says, as a reader would, in one shell, and says where it is not so.

usage: page.py PAGE, in namespaces of its own (test_commands.py starts it). The environment has TLSGRAFT_BUILD.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import markdown
import world

PATIENCE = 300  # seconds that a block may take, a build of everything among them


class Shell:
    """One bash, in which the reader types; what a command prints goes to a file."""

    def __init__(self, scratch, folder, environment):
        self._step = pathlib.Path(scratch, "step")
        self._printed = pathlib.Path(scratch, "printed")
        reader, writer = os.pipe()
        self._statuses = os.fdopen(reader)
        # What the reader starts does not get it, so that it ends with the shell.
        self._descriptor = writer
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=environment, pass_fds=[writer], stdin=subprocess.PIPE,
            text=True)
        os.close(writer)

    def folder(self):
        return pathlib.Path(os.readlink(f"/proc/{self._bash.pid}/cwd"))

    def run(self, text, strict):
        """The status and what was printed; strict: an error ends the whole page."""
        self._step.write_text(text)
        option = "-" if strict else "+"
        self._bash.stdin.write(f"set {option}e; source {self._step} </dev/null >{self._printed} 2>&1 "
                               f"{self._descriptor}>&-; echo $? >&{self._descriptor}\n")
        self._bash.stdin.flush()
        status = self._statuses.readline()
        status = int(status) if status else self._bash.wait(PATIENCE)
        return status, self._printed.read_text(errors="replace")

    def close(self):
        self._bash.stdin.close()
        self._bash.wait(PATIENCE)


class Reader:
    """Follows one page."""

    def __init__(self, page, around, shell):
        self._page = page
        self._world = around
        self._shell = shell
        self.wrong = []

    def follow(self, blocks):
        acts = {"sh": self._do, "console": self._compare, "cfg": self._write, "test": self._happen}
        for block in blocks:
            if block.kind in acts and not acts[block.kind](block):
                return

    def _say(self, line, what, command, printed):
        self.wrong.append(f"{self._page}:{line}: {what}\n  {command.strip()}\nprinted:\n{printed}")

    def _do(self, block):
        # This run is a part of scripts/test, which would start it again.
        lines = ["scripts/test --help" if line == "scripts/test" else line for line in block.text.splitlines()]
        status, printed = self._shell.run("\n".join(lines) + "\n", strict=True)
        if status != 0:
            self._say(block.line, f"status {status}", block.text, printed)
        return status == 0

    def _compare(self, block):
        for command in markdown.commands_of(block):
            status, printed = self._shell.run(command.text, strict=False)
            if not markdown.matches(command.output, printed):
                self._say(command.line, f"expected:\n{command.output}", command.text, printed)
            elif not printed and status != 0:
                self._say(command.line, f"status {status}, and nothing is printed", command.text, printed)
        return True

    def _write(self, block):
        path = self._shell.folder() / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        return True

    def _happen(self, block):
        self._world.happen(block.text, self._shell.folder())
        return True


def main():
    page = world.TOP / sys.argv[1]
    blocks = markdown.blocks_of(page.read_text())
    with tempfile.TemporaryDirectory(prefix="tlsgraft-docs-") as scratch:
        os.chmod(scratch, 0o755)
        around = world.World(tempfile.mkdtemp(dir=scratch), os.environ["TLSGRAFT_BUILD"])
        folder = around.home
        # A page that builds is read in a copy of the tree.
        if any("scripts/" in block.text or "cmake" in block.text for block in blocks if block.kind == "sh"):
            folder = around.home / "tlsgraft"
            world.copy_of_tree(folder)
        os.umask(0o022)
        shell = Shell(scratch, folder, {"PATH": world.PATH, "HOME": str(around.home), "LC_ALL": "C.UTF-8",
                                        "USER": "me", "TERM": "dumb"})
        reader = Reader(sys.argv[1], around, shell)
        reader.follow(blocks)
        shell.close()
    print("\n\n".join(reader.wrong))
    return 1 if reader.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
