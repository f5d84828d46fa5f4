"""What the tests of pins by id share: records, policies with a store, a host that shakes hands when it is told."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import redis_server
from keys import fingerprint_of, openssl, public_der
from lab import HERE, PYTHON, SANE, LabTest
from server import PATIENCE

import hashlib


def public_record(identity):
    """The id and the text of a record that is a public key."""
    text = openssl("x509", "-in", identity.certificate, "-noout", "-pubkey").decode()
    return hashlib.sha256(public_der(identity.certificate)).hexdigest(), text


def certificate_record(identity):
    return fingerprint_of(identity.certificate), openssl("x509", "-in", identity.certificate).decode()


class Redis(redis_server.Redis):
    """A Redis whose records can be put, deleted and counted."""

    def put(self, record, text=None):
        self.cli("SET", f"cert-raw-{record[0]}", text or record[1])
        return record[0]

    def delete(self, record_id):
        self.cli("DEL", f"cert-raw-{record_id}")

    def reads(self):
        """How many records were read, from any client."""
        found = re.search(r"cmdstat_get:calls=(\d+)", self.cli("INFO", "commandstats"))
        return int(found[1]) if found else 0

    def settings(self, more="", address=None):
        address = address or f"127.0.0.1:{self.port}"
        return f'type = "redis"; address = "{address}"; {more}'

    @contextlib.contextmanager
    def paused(self):
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


class FakeRedis:
    """Answers each request with `answer(connection)`, until that ends or the client has gone."""

    def __init__(self, test, answer):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._answer = answer
        self.left = threading.Semaphore(0)  # counts the clients that have gone
        test.addCleanup(self._socket.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            self._answer(connection)
        self.left.release()

    def settings(self, more=""):
        return f'type = "redis"; address = "127.0.0.1:{self.port}"; {more}'


class Talker:
    """The host talk.py, with the library."""

    def __init__(self, process):
        self._process = process
        self.expect("ready")

    def ask(self, word="go"):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def expect(self, word):
        answer = self._process.stdout.readline().strip()
        if answer != word:
            raise AssertionError(f"talk.py: {answer!r} instead of {word!r}")

    def ask_until(self, answer):
        """Handshakes until one ends so; the answers before that, each once."""
        before = set()
        end = time.monotonic() + PATIENCE
        while (outcome := self.ask()) != answer:
            before.add(outcome)
            if time.monotonic() > end:
                raise AssertionError(f"{outcome!r} for {PATIENCE} s, and never {answer!r}")
        return before


class StoreTest(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shutil.copy(HERE / "talk.py", cls.lab)

    def setUp(self):
        self.sink = self.lab / "events.jsonl"
        self.sink.unlink(missing_ok=True)

    def keyed(self, keys, store, *more, **options):
        """A policy that pins localhost, and every name of the lab, by these keys from this store."""
        rules = ["localhost", "127.0.0.1", "**.lab.example"]
        return self.policy((rules, keys, *more), sinks=f'file = "{self.sink}";', extra=f"store: {{ {store} }};",
                           **options)

    def unresolved(self):
        return [event for event in self.events(self.sink) if event["event"] == "PinUnresolved"]

    def assert_unresolved(self, record_id, words):
        events = self.unresolved()
        self.assertTrue(any(record_id in event["message"] and words in event["message"] for event in events), events)
        self.assertEqual({"unresolved"}, {event["reason"] for event in events})

    def reasons(self):
        return {event["reason"] for event in self.events(self.sink) if event["event"] == "PinMismatch"}

    @contextlib.contextmanager
    def talker(self, policy, identity=None, **serve):
        """A host that talks to a server of this identity (genuine)."""
        with self.serve(identity or self.genuine, quiet=True, **serve) as server:
            env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(policy), "TLSGRAFT_LOG": "off"}
            argv = [PYTHON, str(self.lab / "talk.py"), str(server.port), str(self.ca.certificate)]
            with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True) as process:
                try:
                    yield Talker(process)
                finally:
                    process.kill()
