"""Every client of each OpenSSL line, with the one portable build; see lines.py."""
import contextlib
import itertools
import subprocess

from keys import Identity
from lab import REQUEST, SANE, SOURCE, main
from lines import VERSIONS, LineLab, suite
from server import NO_CERTIFICATE, PATIENCE


class Line(LineLab):
    """The matrix in one root."""

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

    @contextlib.contextmanager
    def encrypted_names_server(self, outer, inner, keys):
        """One connection to openssl s_server in this class's root; yields its process and its port."""
        argv = [SOURCE / "scripts/in-root", "--bind", self.lab, self.root, "openssl", "s_server", "-accept",
                "127.0.0.1:0", "-naccept", "1", "-ech_key", keys, "-servername", "localhost", "-cert",
                outer.certificate, "-key", outer.key, "-cert2", inner.certificate, "-key2", inner.key]
        with subprocess.Popen([str(word) for word in argv], env=SANE, text=True, errors="replace",
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                ready = next((line for line in process.stdout if line.startswith("ACCEPT ")), "ACCEPT :")
                yield process, ready.rstrip().rpartition(":")[2]
            finally:
                process.kill()

    def test_the_pin_of_a_server_behind_an_encrypted_client_hello(self):
        if self.bare(["openssl", "ech", "-help"]).status != 0:
            self.assertFalse(VERSIONS[self.line].startswith("4."), "OpenSSL 4 has openssl ech")
            self.skipTest(f"OpenSSL {VERSIONS[self.line]} of {self.line} has no encrypted ClientHello")
        outer = Identity(self.lab, "outer", issuer=self.ca, names="DNS:cover.example")
        keys = self.lab / "ech.pem"
        made = self.bare(["openssl", "ech", "-public_name", "cover.example", "-out", keys])
        self.assertEqual(0, made.status, made)
        public = "".join(keys.read_text().partition("-----BEGIN ECHCONFIG-----")[2].split("\n")[1:-2])
        for right, pin in ((True, self.genuine.pin), (False, outer.pin)):
            with self.subTest(right=right), \
                    self.encrypted_names_server(outer, self.genuine, keys) as (server, port):
                policy = self.policy(("localhost", pin))
                argv = ["openssl", "s_client", "-CAfile", self.ca.certificate, "-servername", "localhost",
                        "-ech_config_list", public, "-connect", f"127.0.0.1:{port}"]
                result = self.graft(argv, policy, stdin=REQUEST)
                seen, _ = server.communicate(timeout=PATIENCE)
                self.assertIn("inner: localhost", seen, result)
                if right:
                    self.assertEqual(0, result.status, result)
                    self.assertIn("ECH: success", result.out, result)
                    self.assertIn("GET / HTTP/1.0", seen, result)
                else:
                    self.assertEqual(1, result.status, result)
                    self.assertIn(f"{policy}:4", result.err, result)
                    self.assertNotIn("GET / HTTP/1.0", seen, result)

    def test_a_certificate_for_a_server_that_demands_one(self):
        """Of RSA, with a second candidate that the server would not take and that expires before."""
        stranger = Identity(self.lab, "stranger", ca=True)
        candidates = [Identity(self.lab, "decoy", issuer=stranger, days=10).with_key(),
                      Identity(self.lab, "chosen", "rsa", issuer=self.ca).with_key()]
        policy = self.pinned(self.genuine, upstream=[(["localhost", "127.0.0.1"], candidates)])
        for tls, client in itertools.product((12, 13), self.clients):
            with self.subTest(client=client.name, tls=tls), \
                    self.serve(self.genuine, greet=client.greet, tls=tls, client_ca=self.ca.certificate) as server:
                self.call(client, server.port, None, graft=False)
                self.assertIn(NO_CERTIFICATE, server.next().error)
                seen = self.assert_accepted(self.call(client, server.port, policy), server)
                self.assertEqual("chosen", seen.client_name)

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
    return suite(loader, Line)


if __name__ == "__main__":
    main()
