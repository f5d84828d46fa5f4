"""Every client of each OpenSSL line, with the one portable build; the server runs on this machine.

TLSGRAFT_ROOTS_READY  name=path:name=path..., Debian roots as scripts/root makes them
TLSGRAFT_PORTABLE     the portable build (scripts/build-portable)
TLSGRAFT_LINE         only this line
"""
import os
import pathlib
import shutil
import unittest

import lab
from lab import CLIENTS, HERE, SOURCE, LabTest, main, run
from names import NameCases

READY = dict(pair.split("=", 1) for pair in os.environ.get("TLSGRAFT_ROOTS_READY", "").split(":") if pair)
PORTABLE = pathlib.Path(os.environ.get("TLSGRAFT_PORTABLE", SOURCE / "build-portable"))
ONLY = os.environ.get("TLSGRAFT_LINE")
# What a line is there for. sid moves on its own: only the major version is sure.
VERSIONS = {"bullseye": "1.1.1", "bookworm": "3.0.", "trixie": "3.5.", "sid": "3.", "sid-ssl4": "4."}


class Line(NameCases, LabTest):
    """The matrix in one root; the classes below are made from it."""

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

    def test_the_line_is_the_one_that_it_is_called(self):
        command = self.bare(["openssl", "version"]).out
        self.assertTrue(command.startswith(f"OpenSSL {VERSIONS[self.line]}"), command)
        server = self.serve(self.genuine)
        result = self.graft([self.lab / "lab_client", "--port", server.port], self.pinned(self.genuine))
        self.assertIn("openssl " + " ".join(command.split()[:2]), result.out, result)

    def test_right_pin_is_accepted(self):
        policy = self.pinned(self.genuine)
        for client in self.clients:
            with self.subTest(client=client.name), self.serve(self.genuine, greet=client.greet) as server:
                self.assert_accepted(self.call(client, server.port, policy), server)

    def test_wrong_pin_is_refused_and_nothing_is_sent(self):
        policy = self.pinned(self.genuine)
        for tls in (12, 13):
            for client in self.clients:
                with self.subTest(client=client.name, tls=tls), \
                        self.serve(self.other, greet=client.greet, tls=tls) as server:
                    result = self.call(client, server.port, policy)
                    self.assert_refused(result, server, client, f"{policy}:4")

    def test_an_impostor_that_appends_the_genuine_certificate_is_refused(self):
        policy = self.pinned(self.genuine)
        chain = self.other.chain_with(self.genuine, self.ca)
        for client in self.clients:
            with self.subTest(client=client.name), \
                    self.serve(self.other, chain, greet=client.greet) as server:
                self.assert_refused(self.call(client, server.port, policy), server, client, f"{policy}:4")

    def test_an_own_verify_callback_through_dlsym_is_called_and_governed(self):
        policy = self.pinned(self.genuine)
        argv = [self.lab / "lab_client", "--sni", "localhost", "--callback", "--port"]
        with self.serve(self.genuine) as server:
            result = self.graft([*argv, server.port], policy)
            self.assert_accepted(result, server)
            self.assertIn("callback calls 1 argument right", result.out, result)
        with self.serve(self.other) as server:
            result = self.graft([*argv, server.port], policy)
            self.assert_no_data(result, server)
            self.assertIn("callback calls 1 argument right", result.out, result)
            self.assertEqual(1, result.status, result)

    def test_report_mode_goes_on(self):
        policy = self.pinned(self.genuine, mode="report", sinks=f'file = "{self.lab}/events.jsonl";')
        log = self.lab / "events.jsonl"
        for client in self.clients:
            with self.subTest(client=client.name), self.serve(self.other, greet=client.greet) as server:
                log.unlink(missing_ok=True)
                self.assert_accepted(self.call(client, server.port, policy), server)
                self.assertEqual(["PinMismatch"], [event["event"] for event in self.events(log)])

    def test_an_invalid_policy_sends_nothing(self):
        policy = self.lab / "invalid.cfg"
        policy.write_text("version = 1;\nmoed = 1;\n")
        for client in self.clients:
            with self.subTest(client=client.name), self.count_bytes() as listener:
                result = self.call(client, listener.port, policy)
                self.assertEqual(0, listener.next(), f"bytes were sent, or it did not connect: {result}")
                self.assertRegex(result.err, r"invalid\.cfg:2: ")

    def test_without_a_policy_it_works(self):
        for client in self.clients:
            with self.subTest(client=client.name), self.serve(self.other, greet=client.greet) as server:
                self.assert_accepted(self.call(client, server.port, None), server)


def load_tests(loader, _tests, _pattern):
    """One class for each line that is ready. None is a mistake of the caller, not a pass."""
    lines = [ONLY] if ONLY else sorted(READY)
    suite = unittest.TestSuite()
    for line in lines:
        if line not in READY:
            raise LookupError(f"TLSGRAFT_ROOTS_READY: has no {line}; make it with scripts/root {line}")
        name = "".join(part.title() for part in line.split("-"))
        suite.addTests(loader.loadTestsFromTestCase(type(name, (Line,), {"root": READY[line], "line": line})))
    if not lines:
        raise LookupError("TLSGRAFT_ROOTS_READY: empty; set it to LINE=PATH:LINE=PATH...")
    return suite


if __name__ == "__main__":
    main()
