"""A laboratory in a Debian root, with the one portable build; the servers run on this machine.

TLSGRAFT_ROOTS_READY  name=path:name=path..., Debian roots as scripts/root makes them
TLSGRAFT_PORTABLE     the portable build (scripts/build-portable)
TLSGRAFT_LINE         only this line
"""
import os
import pathlib
import shutil
import unittest

import lab
from lab import CLIENTS, HERE, SOURCE, LabTest, run

READY = dict(pair.split("=", 1) for pair in os.environ.get("TLSGRAFT_ROOTS_READY", "").split(":") if pair)
PORTABLE = pathlib.Path(os.environ.get("TLSGRAFT_PORTABLE", SOURCE / "build-portable"))
ONLY = os.environ.get("TLSGRAFT_LINE")
# What a line is there for. sid moves on its own: only the major version is sure.
VERSIONS = {"bullseye": "1.1.1", "bookworm": "3.0.", "trixie": "3.5.", "sid": "3.", "sid-ssl4": "4."}


class LineLab(LabTest):
    """What the tests of one line share; suite() makes a class for each line."""

    line = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The temporary folder is what the root sees of this machine: the library goes there.
        if "TLSGRAFT_LIBRARY" in os.environ:
            library = lab.LIBRARY
        else:
            library = PORTABLE / "lib/tlsgraft/libtlsgraft.so"
        cls.library = pathlib.Path(shutil.copy(library, cls.lab / "libtlsgraft.so"))
        # On the oldest glibc of all, so that it runs on each line.
        words = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", cls.lab / "lab_client",
                 *(cls.lab / name for name in ("client.c", "session.c", "options.c")), "-ldl"]
        for name in ("client.c", "session.c", "session.h", "options.c"):
            shutil.copy(HERE / name, cls.lab)
        built = run([SOURCE / "scripts/in-root", "--bind", cls.lab, READY["bullseye"], *words])
        assert built.status == 0, built
        cls.clients = [client for client in CLIENTS if not client.host_only]


def suite(loader, *bases):
    """One class of `bases` for each line that is ready. None is a mistake of the caller, not a pass."""
    lines = [ONLY] if ONLY else sorted(READY)
    tests = unittest.TestSuite()
    for line in lines:
        if line not in READY:
            raise LookupError(f"TLSGRAFT_ROOTS_READY: has no {line}; make it with scripts/root {line}")
        name = "".join(part.title() for part in line.split("-"))
        tests.addTests(loader.loadTestsFromTestCase(type(name, bases, {"root": READY[line], "line": line})))
    if not lines:
        raise LookupError("TLSGRAFT_ROOTS_READY: empty; set it to LINE=PATH:LINE=PATH...")
    return tests
