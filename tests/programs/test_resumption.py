"""A resumed session runs no verification: its certificate is judged all the same."""
import os
import threading

from lab import GREETING, PYTHON, REQUEST, LabTest, main

# One context, two names: argv is PORT FIRST SECOND; the second connection offers the first one's session.
TWICE = f"""
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
session = None
for name in sys.argv[2:]:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as plain:
        with context.wrap_socket(plain, server_hostname=name, session=session) as secure:
            secure.sendall({REQUEST.encode()!r})
            while secure.recv(4096):
                pass
            session = secure.session
            print(name, "resumed" if secure.session_reused else "full")
"""


class Resumption(LabTest):
    def twice(self, port, policy, *names):
        return self.graft([PYTHON, "-c", TWICE, port, *names], policy)

    def test_a_session_with_the_pinned_key_is_resumed(self):
        for tls in (12, 13):
            with self.subTest(tls=tls), self.serve(self.genuine, tls=tls) as server:
                result = self.twice(server.port, self.pinned(self.genuine), "localhost", "localhost")
                self.assertEqual("localhost full\nlocalhost resumed\n", result.out, result)

    def test_a_session_with_another_key_is_not(self):
        for tls in (12, 13):
            with self.subTest(tls=tls), self.serve(self.other, tls=tls) as server:
                result = self.twice(server.port, self.pinned(self.genuine), "free.example", "localhost")
                self.assertEqual("free.example full\n", result.out, result)
                self.assertIn("CERTIFICATE_VERIFY_FAILED", result.err)
                self.assertIn(b"GET", server.next().data)
                self.assertEqual(b"", server.next().data)

    def test_curl_twice_in_one_process_and_the_pin_changes_in_between(self):
        for tls in (12, 13):
            for changes in (False, True):
                policy = self.policy(("localhost", self.genuine.pin), name="changing.cfg")
                changed = self.policy(("localhost", self.other.pin), name="changed.cfg")
                with self.subTest(tls=tls, changes=changes), self.serve(self.genuine, tls=tls) as server:
                    seen = []

                    def change():
                        seen.append(server.next())
                        if changes:
                            os.rename(changed, policy)
                        seen.append(server.next())

                    changer = threading.Thread(target=change)
                    changer.start()
                    url = f"https://localhost:{server.port}/"
                    # Two transfers a policy's look apart.
                    result = self.graft(["curl", "-sSkv", "--rate", "30/m", url, url], policy)
                    changer.join()
                    self.assertEqual(1 if changes else 2, result.out.count(GREETING), result)
                    self.assertEqual(60 if changes else 0, result.status)
                    self.assertRegex(result.err, "(?i)re-?using")
                    self.assertEqual(not changes, seen[1].data.startswith(b"GET"))

    def test_one_that_was_made_before_the_pin(self):
        for tls in (12, 13):
            with self.subTest(tls=tls), self.serve(self.other, tls=tls) as server:
                saved = self.lab / f"session-{tls}.pem"
                argv = ["openssl", "s_client", "-ign_eof", "-servername", "localhost", "-connect",
                        f"127.0.0.1:{server.port}"]
                made = self.bare([*argv, "-sess_out", saved], stdin=REQUEST)
                self.assertTrue(saved.exists(), made)
                self.assertIn(b"GET", server.next().data)
                resumed = self.graft([*argv, "-sess_in", saved], self.pinned(self.other), stdin=REQUEST)
                self.assertIn("Reused, ", resumed.out, resumed)
                self.assertIn(b"GET", server.next().data)
                refused = self.graft([*argv, "-sess_in", saved], self.pinned(self.genuine), stdin=REQUEST)
                self.assertNotEqual(0, refused.status, refused)
                self.assertNotIn("Reused, ", refused.out, refused)
                self.assertIn("policy.cfg:4", refused.err)
                self.assertEqual(b"", server.next().data)


if __name__ == "__main__":
    main()
