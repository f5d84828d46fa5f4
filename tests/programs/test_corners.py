"""Corners where a pin could be passed by, or where the host would notice more of us than a refusal."""
import contextlib
import os
import socket
import subprocess
import threading

from lab import GREETING, LAB, PYTHON, SANE, LabTest, main, run

# http.client through a CONNECT proxy: PROXY-PORT SERVER-PORT.
TUNNEL = """
import http.client, ssl, sys
context = ssl._create_unverified_context()
connection = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context)
connection.set_tunnel("localhost", int(sys.argv[2]))
connection.request("GET", "/")
print(connection.getresponse().read().decode())
"""


def pump(source, sink):
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


class Proxy:
    """Answers CONNECT localhost:PORT; any number of times, until it is closed."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._one, args=(self._socket.accept()[0],), daemon=True).start()

    @staticmethod
    def _one(client):
        with client:
            Proxy._tunnel(client)

    @staticmethod
    def _tunnel(client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        port = int(head.split()[1].rsplit(b":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as server:
            client.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=(server, client))
            back.start()
            pump(client, server)
            back.join()

    def close(self):
        self._socket.close()


class Corners(LabTest):
    def corners(self, case, *ports, policy=None, **env):
        return self.graft([LAB / "lab_corners", case, *ports], policy or self.pinned(self.genuine), env=env)

    def test_a_context_that_a_librarys_constructor_made(self):
        with self.serve(self.other) as server:
            result = self.corners("early", server.port)
            self.assert_no_data(result, server)
            self.assertIn("connect -1", result.out, result)
            self.assertIn("PinMismatch", result.err, result)
        with self.serve(self.genuine) as server:
            self.assertIn("connect 1\nwrite 18", self.corners("early", server.port).out)
        with self.count_bytes() as listener:
            result = self.corners("early", listener.port, policy="/nonexistent")
            self.assertEqual(0, listener.next(), result)
            self.assertIn("/nonexistent", result.err)

    def test_a_verify_mode_that_the_program_sets_after_a_refusal(self):
        with self.serve(self.other) as other, self.serve(self.genuine) as genuine:
            result = self.corners("clear", other.port, genuine.port)
            self.assertEqual(2, result.out.count("connect -1"), result)
            self.assertIn("mode 1", result.out)
            self.assert_no_data(result, genuine)

    def test_a_verify_mode_that_the_program_leaves_alone(self):
        with self.serve(self.other) as other, self.serve(self.genuine) as genuine:
            result = self.corners("again", other.port, genuine.port)
            self.assertIn("connect -1", result.out, result)
            self.assertIn("connect 1\nwrite 18\nmode 0", result.out, result)

    def test_memory_bios_live_as_long_as_the_program_thinks(self):
        with self.serve(self.other) as other, self.serve(self.genuine) as genuine:
            result = self.corners("memory", other.port, genuine.port, MALLOC_PERTURB_="165")
            self.assertEqual(0, result.status, result)
            self.assertEqual("connect -1\nwrite -1\nout 0\nconnect 1\nwrite 18\nout 1\n", result.out, result)
            self.assert_no_data(result, other)
            self.assertTrue(genuine.next().data)

    def test_no_provider_in_the_default_library_context(self):
        with self.serve(self.genuine) as server:
            result = self.corners("provider", server.port)
            self.assertIn("connect 1\nwrite 18", result.out, result)
        with self.serve(self.other) as server:
            result = self.corners("provider", server.port)
            self.assertIn("is not one that the rule", result.err, result)
            self.assert_no_data(result, server)

    def test_the_rules_of_both_names_apply(self):
        for rules in ([("one.example", self.genuine.pin), ("other.example", self.other.pin)],
                      [("one.example", self.other.pin), ("other.example", self.genuine.pin)],
                      # Ports that are others than the server's: one rule leads to both names, and counts twice.
                      [("one.example:2", self.genuine.pin), (["one.example:1", "other.example:1"], self.other.pin)]):
            with self.subTest(rules=rules), self.serve(self.genuine) as server:
                result = self.corners("names", server.port, policy=self.policy(*rules))
                self.assertIn("connect -1", result.out, result)
                self.assert_no_data(result, server)
        with self.serve(self.genuine) as server:
            policy = self.policy(("one.example", self.genuine.pin), ("other.example", self.genuine.pin))
            self.assertIn("connect 1\nwrite 18", self.corners("names", server.port, policy=policy).out)

    def test_an_info_callback_that_was_removed(self):
        """Its code may be gone: what a hooked call set and a call past the hooks removed, and the other way round."""
        for graft in (False, True):
            argv, policy = [LAB / "lab_corners", "removed", "0"], self.pinned(self.genuine)
            result = self.graft(argv, policy) if graft else run(argv)
            self.assertEqual(result.out, "hooked 1 removed 0\npast 1 removed 0\n", result)

    def test_a_copied_connection_leaves_nothing_behind(self):
        result = self.corners("duplicates", 0)
        self.assertRegex(result.out, r"^grown -?\d+\n$")
        self.assertLess(int(result.out.split()[1]), 4096)

    def test_a_rule_with_a_port_is_not_passed_by_through_a_proxy(self):
        proxy = Proxy()
        self.addCleanup(proxy.close)
        for identity in (self.genuine, self.other):
            with self.serve(identity) as server:
                policy = self.policy((f"localhost:{server.port}", self.genuine.pin))
                result = self.graft([PYTHON, "-c", TUNNEL, proxy.port, server.port], policy)
                if identity is self.genuine:
                    self.assertIn(GREETING, result.out, result)
                else:
                    self.assert_no_data(result, server)
                    self.assertIn("CERTIFICATE_VERIFY_FAILED", result.err)

    def test_of_many_rules_with_ports_none_is_forgotten(self):
        # curl moves the bytes itself, and does not ask the resolver, so its port is not known, and all of them count.
        with self.serve(self.other) as server:
            rules = [(f"lab.example:{port}", self.other.pin, 'mode = "off";') for port in range(1, 40)]
            policy = self.policy((f"lab.example:{server.port}", self.genuine.pin), *rules[:20])
            off_before = self.policy(*rules[:20], (f"lab.example:{server.port}", self.genuine.pin), name="before.cfg")
            for written in (policy, off_before):
                text = written.read_text().replace(f'keys = "{self.other.pin}"; mode = "off"', 'mode = "off"')
                written.write_text(text)
                result = self.graft(["curl", "-sSk", "--resolve", f"lab.example:{server.port}:127.0.0.1",
                                     f"https://lab.example:{server.port}/"], written)
                self.assertEqual(60, result.status, result)
                self.assertEqual(b"", server.next().data)

    def test_a_renegotiation_after_the_policy_changed(self):
        # What the first handshake proved is not known under the changed policy, and the session is not resumed.
        for more, pin in (('target = "chain";', self.ca.pin),
                          (f'verify = "require"; ca_file = "{self.ca.certificate}";', self.genuine.pin)):
            for text, reused in (("", 1), ("# changed\n", 0)):
                with self.subTest(rule=more, appended=text):
                    result = self.corners("renegotiate", self.genuine.chain_with(self.ca), self.genuine.key,
                                          policy=self.policy(("localhost", pin, more)), LAB_APPEND=text)
                    self.assertEqual(f"first 1\nsecond 1 reused {reused}\nwrite 18\nread 18\n", result.out, result)

    def test_a_full_pipe_on_stderr_does_not_hang_the_host(self):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x")
        os.set_blocking(writer, True)
        env = {**SANE, "LD_PRELOAD": str(self.library), "TLSGRAFT_POLICY": str(self.pinned(self.genuine))}
        with self.serve(self.other) as server:
            argv = ["curl", "-sk", f"https://localhost:{server.port}/"]
            with subprocess.Popen(argv, env=env, stderr=writer, stdout=subprocess.DEVNULL) as curl:
                try:
                    self.assertEqual(60, curl.wait(timeout=30))
                finally:
                    curl.kill()
            self.assertEqual(b"", server.next().data)
        os.close(reader)
        os.close(writer)


if __name__ == "__main__":
    main()
