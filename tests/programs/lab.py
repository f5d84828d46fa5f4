"""What the tests of real programs share: policies, running a client with the library, the clients.

TLSGRAFT_BUILD    the build tree, or an installed one: bin/tlsgraft, lib/tlsgraft/libtlsgraft.so
TLSGRAFT_LAB      the clients built from this folder (default: lab in TLSGRAFT_BUILD)
TLSGRAFT_LIBRARY  another shared object in the library's place. With one that does nothing every test of
                  a refusal must fail; that is how the tests themselves are tested.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

from keys import Identity
from scratch import scratch
from server import PATIENCE, ByteCounter, TlsServer

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("TLSGRAFT_BUILD", SOURCE / "build")).resolve()
LAB = pathlib.Path(os.environ.get("TLSGRAFT_LAB", BUILD / "lab")).resolve()
LIBRARY = pathlib.Path(os.environ.get("TLSGRAFT_LIBRARY", BUILD / "lib/tlsgraft/libtlsgraft.so")).resolve()
COMMAND = BUILD / "bin/tlsgraft"
PYTHON = "/usr/bin/python3"
DEFAULT_POLICY = pathlib.Path("/etc/tlsgraft/policy.cfg")
GREETING = "hello from the lab"
SANE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}


class Result:
    """How a program ended, and what it wrote."""

    def __init__(self, status, out, err):
        self.status = status  # None: it hung and was killed
        self.out = out
        self.err = err
        self.text = out + err

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run(argv, *, env=None, cwd=None, stdin="", patience=PATIENCE):
    """Runs a program with a small environment of its own. Whoever hangs is killed, with its children."""
    process = subprocess.Popen([str(word) for word in argv], env={**SANE, **(env or {})}, cwd=cwd,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, errors="replace", start_new_session=True)
    try:
        out, err = process.communicate(stdin, timeout=patience)
        return Result(process.returncode, out, err)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return Result(None, out, err)


class Client:
    """A client program: how it is called, and how it looks when its own TLS library refuses a server.

    argv: function of (port, lab folder, CA file) -> words
    native: function of Result -> whether it ended with the program's own TLS error
    words: whether the program prints OpenSSL's error queue, and so our words
    """

    def __init__(self, name, argv, native, *, words=True, stdin="", greet=False, host_only=False):
        self.name = name
        self.argv = argv
        self.native = native
        self.words = words
        self.stdin = stdin
        self.greet = greet
        self.host_only = host_only


REQUEST = "GET / HTTP/1.0\r\n\r\n"


def _curl(*options):
    return lambda port, lab, ca: ["curl", "-sS", *options, "--cacert", ca, f"https://localhost:{port}/"]


def _fetch(mode):
    return lambda port, lab, ca: [PYTHON, f"{lab}/fetch.py", mode, port, ca]


def _s_client(host, *options):
    return lambda port, lab, ca: ["openssl", "s_client", "-quiet", "-CAfile", ca, *options,
                                  "-connect", f"{host}:{port}"]


def _lab(program, drive, *options):
    return lambda port, lab, ca: [f"{lab}/{program}", "--port", port, "--sni", "localhost", "--drive", drive,
                                  *[word.replace("CA", str(ca)) for word in options]]


def _curl_refused(result):
    return result.status == 60


def _python_refused(result):
    return (result.status == 1 and "SSLCertVerificationError" in result.err
            and "CERTIFICATE_VERIFY_FAILED" in result.err)


def _openssl_refused(result):
    return result.status not in (0, None) and "certificate verify failed" in result.text


def _lab_clients(program, host_only):
    drives = {"connect": ["--ca", "CA", "--name", "localhost"], "handshake": [], "write": [], "read": [],
              "peek": [], "bio": []}
    return [Client(f"{program} {drive}", _lab(program, drive, *options), _openssl_refused,
                   greet=drive in ("read", "peek"), host_only=host_only)
            for drive, options in drives.items()]


CLIENTS = [
    Client("curl", _curl(), _curl_refused, words=False),
    Client("curl -k", _curl("-k"), _curl_refused, words=False),
    Client("python default", _fetch("default"), _python_refused, words=False),
    Client("python CERT_NONE", _fetch("none"), _python_refused, words=False),
    Client("s_client -servername", _s_client("127.0.0.1", "-servername", "localhost"), _openssl_refused,
           stdin=REQUEST),
    Client("s_client address", _s_client("127.0.0.1"), _openssl_refused, stdin=REQUEST),
    *_lab_clients("lab_client", False),
    Client("lab_client global", _lab("lab_client", "connect", "--global"), _openssl_refused),
    *_lab_clients("lab_linked", True),
]


class LabTest(unittest.TestCase):
    """A folder of its own for each test class, with a CA, and two servers' identities issued by it."""

    root = None  # None: this machine; else the path of a Debian root
    library = LIBRARY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not LIBRARY.exists():
            raise FileNotFoundError(f"{LIBRARY}: not there; build it, or set TLSGRAFT_BUILD")
        cls.lab = scratch("tlsgraft-lab-", cls.addClassCleanup)
        cls.lab.chmod(0o755)
        shutil.copy(HERE / "fetch.py", cls.lab)
        for program in ("lab_client", "lab_linked"):
            if (LAB / program).exists():
                shutil.copy(LAB / program, cls.lab)
        cls.ca = Identity(cls.lab, "ca", subject="Lab CA", ca=True)
        cls.genuine = Identity(cls.lab, "genuine", issuer=cls.ca)
        cls.other = Identity(cls.lab, "other", issuer=cls.ca)

    @classmethod
    def policy(cls, *rules, mode="enforce", sinks=None, extra="", name="policy.cfg"):
        """Writes a policy whose rules are (domain, pin) or (domain, pin, more settings).

        Returns the path; rule N (from 0) stands on line N + 4.
        """
        lines = ["version = 1;", f'mode = "{mode}";', "security: { pinned_public_keys = ("]
        for number, (domain, pin, *more) in enumerate(rules):
            domains = ", ".join(f'"{word}"' for word in ([domain] if isinstance(domain, str) else domain))
            comma = "," if number + 1 < len(rules) else ""
            lines.append(f'  {{ domain = [ {domains} ]; keys = "{pin}"; {" ".join(more)} }}{comma}')
        lines.append("); };")
        if sinks is not None:
            lines.append(f"events: {{ {sinks} }};")
        if extra:
            lines.append(extra)
        lines.append(f'state_directory = "{cls.lab}/state";')
        path = cls.lab / name
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o600)
        return path

    def pinned(self, identity, **options):
        """A policy that pins the server, however it is named."""
        return self.policy((["localhost", "127.0.0.1"], identity.pin), **options)

    def graft(self, argv, policy=None, *, env=None, **options):
        """Runs a program with the library in LD_PRELOAD, in this class's root."""
        grafted = {"LD_PRELOAD": str(self.library)}
        if policy is not None:
            grafted["TLSGRAFT_POLICY"] = str(policy)
        return self.bare(argv, env={**grafted, **(env or {})}, **options)

    def bare(self, argv, *, env=None, **options):
        """Runs a program as it is, in this class's root."""
        if self.root is None:
            return run(argv, env=env, **options)
        # LD_PRELOAD is for the program in the root, not for the tools that bring it there.
        words = [f"{name}={value}" for name, value in (env or {}).items()]
        enter = [SOURCE / "scripts/in-root", "--bind", self.lab, self.root, "env"]
        return run([*enter, *words, *argv], **options)

    @contextlib.contextmanager
    def background(self, argv, policy):
        """A program that runs with the library, on this machine, until the block ends."""
        env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(policy)}
        with subprocess.Popen([str(word) for word in argv], env=env, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.kill()

    def call(self, client, port, policy, *, graft=True, **options):
        argv = client.argv(port, self.lab, self.ca.certificate)
        if graft:
            return self.graft(argv, policy, stdin=client.stdin, **options)
        return self.bare(argv, stdin=client.stdin, **options)

    def serve(self, identity, chain=None, **options):
        """A server that shows this identity's certificate and its CA's, or the given chain."""
        server = TlsServer(chain or identity.chain_with(self.ca), identity.key, **options)
        self.addCleanup(server.close)
        return server

    def count_bytes(self):
        listener = ByteCounter()
        self.addCleanup(listener.close)
        return listener

    def assert_accepted(self, result, server):
        """The client got the answer, and the server the request."""
        self.assertIn(GREETING, result.out, result)
        seen = server.next()
        self.assertIsNotNone(seen, f"it did not connect: {result}")
        self.assertIsNone(seen.error, (seen, result))
        self.assertTrue(seen.data.startswith(b"GET / HTTP/1."), (seen, result))
        return seen

    def assert_no_data(self, result, server):
        """The connection came about, and no application data arrived on it."""
        self.assertIsNotNone(result.status, f"it hung: {result}")
        seen = server.next()
        self.assertIsNotNone(seen, f"it did not connect: {result}")
        self.assertEqual(seen.data, b"", (seen, result))
        self.assertNotIn(GREETING, result.text, result)
        return seen

    def assert_refused(self, result, server, client, rule=None):
        """Refused before any application data, with the program's own error and our words.

        rule: the FILE:LINE that refused. It must be on stderr, and in the error queue of the clients that
        print theirs.
        """
        seen = self.assert_no_data(result, server)
        self.assertNotEqual(result.status, 0, result)
        self.assertTrue(client.native(result), f"not the error that {client.name} gives: {result}")
        if rule is not None:
            self.assertIn(str(rule), result.err, result)
            if client.words:
                queue = [line for line in result.text.splitlines() if "certificate verify failed" in line]
                self.assertTrue(any(str(rule) in line for line in queue), f"our words are missing: {result}")
        return seen

    @staticmethod
    def events(path):
        with contextlib.suppress(FileNotFoundError):
            return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
        return []


def main():
    unittest.main(module=sys.modules["__main__"], verbosity=2)
