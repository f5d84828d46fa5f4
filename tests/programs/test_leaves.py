"""Servers that one process meets again and again: what is kept of a certificate stands for that one alone."""
import contextlib
import os
import subprocess
import time

from keys import Identity, fingerprint_of, openssl
from lab import PYTHON, SANE, LabTest, main
from server import PATIENCE

OFTEN = 100

# Shakes hands with the server of each port that comes on stdin, and says what came of it.
SHAKE = """
import socket, ssl, sys
context = ssl._create_unverified_context()
for line in sys.stdin:
    with socket.create_connection(("127.0.0.1", int(line))) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                print("accepted" if secure.recv(4096) else "empty", flush=True)
        except ssl.SSLCertVerificationError:
            print("refused", flush=True)
"""


def serial_of(identity):
    return openssl("x509", "-in", identity.certificate, "-noout", "-serial").decode().strip().partition("=")[2]


class Leaves(LabTest):
    """All certificates have one serial number, by which what is kept is looked for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.twin("twin")

    @classmethod
    def twin(cls, name, **options):
        """Another certificate of the same CA with the serial number of the genuine one."""
        serial = serial_of(cls.genuine)
        cls.ca.certificate.with_suffix(".srl").write_text(f"{int(serial, 16) - 1:0{len(serial)}X}\n")
        identity = Identity(cls.lab, name, issuer=cls.ca, **options)
        assert serial_of(identity) == serial, "the test does not know where the CA keeps its serial numbers"
        return identity

    @contextlib.contextmanager
    def host(self, policy):
        """A function that has one process shake hands with a server, and returns what that says."""
        env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(policy)}
        with subprocess.Popen([PYTHON, "-c", SHAKE], env=env, text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            def shake(server):
                process.stdin.write(f"{server.port}\n")
                process.stdin.flush()
                return process.stdout.readline().strip()
            try:
                yield shake
            finally:
                process.kill()

    def both(self):
        return self.serve(self.genuine, quiet=True), self.serve(self.other, quiet=True)

    def pin(self, identity):
        """The policy, as a new file in the place of the old one."""
        fresh = self.policy(("localhost", identity.pin), name="fresh.cfg")
        path = self.lab / "policy.cfg"
        os.rename(fresh, path)
        return path

    def test_two_servers_behind_one_name(self):
        genuine, other = self.both()
        with self.host(self.pin(self.genuine)) as shake:
            for _ in range(OFTEN // 2):
                self.assertEqual([shake(genuine), shake(other)], ["accepted", "refused"])
            self.assertEqual({shake(genuine) for _ in range(OFTEN)}, {"accepted"})
            self.assertEqual([shake(other), shake(genuine)], ["refused", "accepted"])

    def test_another_pin(self):
        """What was admitted under one policy says nothing under the next."""
        servers = dict(zip((self.genuine, self.other), self.both()))
        with self.host(self.pin(self.genuine)) as shake:
            for old, new in ((self.genuine, self.other), (self.other, self.genuine)):
                self.assertEqual({shake(servers[old]) for _ in range(5)}, {"accepted"})
                self.pin(new)
                deadline = time.monotonic() + PATIENCE
                while shake(servers[old]) == "accepted":
                    self.assertLess(time.monotonic(), deadline, "the policy was not read again")
                for _ in range(5):
                    self.assertEqual([shake(servers[new]), shake(servers[old])], ["accepted", "refused"])

    def test_a_certificate_that_is_renewed_with_its_key(self):
        """The end that is told is that of the certificate which is there now."""
        soon = self.twin("soon", days=3, given=self.genuine.key)
        sooner = self.twin("sooner", days=2, given=self.genuine.key)
        self.assertEqual(soon.pin, self.genuine.pin)
        sink = self.lab / "events.jsonl"
        policy = self.policy(("localhost", self.genuine.pin), sinks=f'file = "{sink}";', name="told.cfg")
        far, near, nearer = (self.serve(who, quiet=True) for who in (self.genuine, soon, sooner))
        with self.host(policy) as shake:
            for server in (far, near, nearer, far, near, nearer):
                self.assertEqual({shake(server) for _ in range(5)}, {"accepted"})
        told = [event["cert_id"] for event in self.events(sink)]
        self.assertEqual(told, [fingerprint_of(who.certificate) for who in (soon, sooner)])


if __name__ == "__main__":
    main()
