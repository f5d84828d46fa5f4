#!/usr/bin/env python3
"""Sessions that programs store, Python's ssl and s_client with early data: offered only where today's rules would let the
connection be the same.
"""
import contextlib
import re
import subprocess

from lab import PYTHON, SANE, main
from redis_server import free_port
from server import PATIENCE
from test_upstream import UpstreamTest

EARLY, LATE = "sent as early data", "sent after the handshake"

# A line is a name to connect to with the session of the connection before, if there was one.
CLIENT = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
session = None
for line in sys.stdin:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as plain:
        with context.wrap_socket(plain, server_hostname=line.strip(), session=session) as secure:
            secure.sendall(b"who\\n")
            who = secure.recv(100).decode().strip()
            session = secure.session
            print("resumed" if secure.session_reused else "full", who, flush=True)
"""


class PythonSessions(UpstreamTest):
    """SSLContext.wrap_socket(session=...)."""

    def client(self, port, policy):
        """Connects to a name; what it tells of it."""
        env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(policy)}
        process = subprocess.Popen([PYTHON, "-c", CLIENT, str(port)], env=env, text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)

        def close():
            process.stdin.close()
            process.stdout.close()
            process.wait(PATIENCE)
        self.addCleanup(close)

        def connect(name):
            process.stdin.write(name + "\n")
            process.stdin.flush()
            return process.stdout.readline().strip()
        return connect

    def test_a_rule_that_changes(self):
        one, two = self.ours["p256"], self.ours["rsa"]
        for version in (12, 13):
            with self.subTest(version=version):
                connect = self.client(self.asking(tls=version), self.upstream(self.rule("localhost", one)))
                self.assertEqual("full ours-p256", connect("localhost"))
                self.assertEqual("resumed ours-p256", connect("localhost"))
                self.upstream(self.rule("localhost", two))
                said = set()
                self.until(lambda: said.add(answer := connect("localhost")) or answer == "full ours-rsa")
                self.assertLessEqual(said, {"resumed ours-p256", "full ours-rsa"})
                self.assertEqual("resumed ours-rsa", connect("localhost"))

    def test_a_rule_for_another_name(self):
        policy = self.upstream(self.rule("one.example", self.ours["p256"]), self.rule("two.example", self.ours["rsa"]),
                               self.rule("same.example", self.ours["p256"]))
        for version in (12, 13):
            with self.subTest(version=version):
                connect = self.client(self.asking(tls=version), policy)
                for name, answer in (("free.example", "full nobody"), ("free.example", "resumed nobody"),
                                     ("one.example", "full ours-p256"), ("same.example", "resumed ours-p256"),
                                     ("two.example", "full ours-rsa"), ("free.example", "full nobody")):
                    self.assertEqual(answer, connect(name), name)


class EarlyServer:
    """openssl s_server that takes early data, and what it writes."""

    def __init__(self, test, identity, *options):
        self.port = free_port()
        self._output = test.lab / f"s_server-{self.port}"
        argv = ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", identity.certificate, "-key",
                identity.key, "-tls1_3", "-early_data", *options]
        with self._output.open("w") as output:
            self._process = subprocess.Popen([str(word) for word in argv], env=SANE, stdin=subprocess.PIPE,
                                             stdout=output, stderr=output)
        test.addCleanup(self.close)
        test.until(lambda: "ACCEPT" in self.output)

    @property
    def output(self):
        return self._output.read_text(errors="replace")

    def close(self):
        self._process.kill()
        self._process.stdin.close()
        self._process.wait(PATIENCE)


class EarlyData(UpstreamTest):
    """Each session is used once: s_server refuses early data that comes twice."""

    @contextlib.contextmanager
    def client(self, server, policy, *options):
        """s_client, told to leave at the end of the block; what it writes is its `output` then."""
        env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(policy)} if policy else SANE
        argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "localhost", *options]
        with subprocess.Popen([str(word) for word in argv], env=env, text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            yield process
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write("Q\n")
            process.output = process.communicate(timeout=PATIENCE)[0]

    def session(self, server, policy):
        """The path of one that was made now."""
        path = self.lab / "session.pem"
        path.unlink(missing_ok=True)
        with self.client(server, policy, "-sess_out", path):
            self.until(lambda: path.exists() and "-----END" in path.read_text())
        return path

    def offer(self, server, policy, session, *early):
        """What s_client writes that offers a session, and sends something after the handshake."""
        late = server.output.count(LATE)
        with self.client(server, policy, "-sess_in", session, *early) as process:
            process.stdin.write(LATE + "\n")
            with contextlib.suppress(BrokenPipeError):
                process.stdin.flush()
            self.until(lambda: process.poll() is not None or server.output.count(LATE) > late)
        return process.output

    def early(self):
        path = self.lab / "early"
        path.write_text(EARLY + "\n")
        return "-early_data", path

    def assert_accepted(self, server, policy, session):
        answer = self.offer(server, policy, session, *self.early())
        self.assertIn("Reused, TLSv1.3", answer)
        self.assertIn("Early data was accepted", answer)
        self.assertIn(EARLY, server.output)
        self.assertIn(LATE, server.output)

    def assert_not_sent(self, server, policy, session):
        """OpenSSL takes no early data without a session, and so s_client ends."""
        answer = self.offer(server, policy, session, *self.early())
        self.assertIn("Error writing early data", answer)
        self.assertNotIn("Reused, ", answer)
        self.assertNotIn(EARLY, server.output)
        self.assertNotIn(LATE, server.output)

    def assert_full(self, server, policy, session):
        answer = self.offer(server, policy, session)
        self.assertIn("New, TLSv1.3", answer)
        self.assertIn(LATE, server.output)

    def asking_server(self):
        return EarlyServer(self, self.genuine, "-verify", "2")

    def shown(self, server):
        return re.findall(r"^subject=CN ?= ?(\S+)", server.output, re.MULTILINE)

    def test_under_the_same_certificate(self):
        server = self.asking_server()
        policy = self.upstream(self.rule("localhost", self.ours["p256"]))
        session = self.session(server, policy)
        self.until(lambda: self.shown(server) == ["ours-p256"])
        self.assert_accepted(server, policy, session)

    def test_under_another_certificate(self):
        for before in (None, "rsa"):
            with self.subTest(before=before):
                server = self.asking_server()
                old = self.upstream(self.rule("localhost", self.ours["rsa"]), name="old.cfg")
                session = self.session(server, old if before else None)
                policy = self.upstream(self.rule("localhost", self.ours["p256"]))
                self.assert_not_sent(server, policy, session)
                self.assert_full(server, policy, session)
                self.assertEqual((["ours-rsa"] if before else []) + ["ours-p256"], self.shown(server))

    def test_to_a_pinned_key(self):
        server = EarlyServer(self, self.genuine)
        policy = self.pinned(self.genuine)
        self.assert_accepted(server, policy, self.session(server, policy))

    def test_to_another_key(self):
        server = EarlyServer(self, self.other)
        policy = self.pinned(self.genuine)
        session = self.session(server, None)
        self.assert_not_sent(server, policy, session)
        self.assertIn("certificate verify failed", self.offer(server, policy, session))
        self.assertNotIn(LATE, server.output)

    def test_without_a_proof(self):
        """What another process has verified is not remembered in this one."""
        server = EarlyServer(self, self.genuine)
        policy = self.policy(("localhost", self.genuine.pin,
                              f'verify = "require"; ca_file = "{self.ca.certificate}";'))
        session = self.session(server, policy)
        self.assert_not_sent(server, policy, session)
        self.assert_full(server, policy, session)


if __name__ == "__main__":
    main()
