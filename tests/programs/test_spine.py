"""The spine: an unmodified program refuses a server whose key is not pinned."""
import re

from keys import KINDS, Identity
from lab import CLIENTS, COMMAND, GREETING, LAB, PYTHON, Client, LabTest, main, run

CURL, CURL_K = CLIENTS[0], CLIENTS[1]
BY_NAME = {client.name: client for client in CLIENTS}


def lab_client(program, *options):
    """A lab client with any options, called as the table's clients are."""
    base = BY_NAME[f"{program} connect"]
    return Client(" ".join([program, *options]),
                  lambda port, lab, ca: [f"{lab}/{program}", "--port", port, "--sni", "localhost", *options],
                  base.native)


class Clients(LabTest):
    """Every client, with the right and the wrong key."""

    def test_right_pin_is_accepted(self):
        policy = self.pinned(self.genuine)
        for client in CLIENTS:
            with self.subTest(client=client.name), self.serve(self.genuine, greet=client.greet) as server:
                self.assert_accepted(self.call(client, server.port, policy), server)

    def test_wrong_pin_is_refused_and_nothing_is_sent(self):
        policy = self.pinned(self.genuine)
        for client in CLIENTS:
            with self.subTest(client=client.name), self.serve(self.other, greet=client.greet) as server:
                result = self.call(client, server.port, policy)
                seen = self.assert_refused(result, server, client, f"{policy}:4")
                self.assertIsNotNone(seen.error, "the server believes that the handshake was completed")

    def test_the_words_name_the_domain(self):
        policy = self.pinned(self.genuine)
        server = self.serve(self.other)
        result = self.call(BY_NAME["lab_client connect"], server.port, policy)
        queue = [line for line in result.out.splitlines() if line.startswith("error ")]
        self.assertTrue(queue, result)
        # Ours is the oldest entry: the one that ERR_get_error() and so most programs show.
        self.assertIn("certificate verify failed", queue[0], result)
        self.assertIn("localhost", queue[0], result)
        self.assertIn(f"{policy}:4", queue[0], result)

    def test_a_peer_without_a_name_falls_under_the_star(self):
        policy = self.policy(("*", self.genuine.pin))
        argv = ["openssl", "s_client", "-quiet", "-noservername", "-connect"]
        with self.serve(self.genuine) as server:
            result = self.graft([*argv, f"127.0.0.1:{server.port}"], policy, stdin="GET / HTTP/1.0\r\n\r\n")
            self.assertIsNone(self.assert_accepted(result, server).sni)
        with self.serve(self.other) as server:
            result = self.graft([*argv, f"127.0.0.1:{server.port}"], policy, stdin="GET / HTTP/1.0\r\n\r\n")
            self.assert_refused(result, server, BY_NAME["s_client address"], f"{policy}:4")

    def test_started_by_the_command(self):
        policy = self.pinned(self.genuine)
        for client in (CURL, BY_NAME["python CERT_NONE"], BY_NAME["s_client -servername"]):
            with self.subTest(client=client.name):
                server = self.serve(self.genuine)
                argv = [COMMAND, "run", "--policy", policy, "--"]
                call = client.argv(server.port, self.lab, self.ca.certificate)
                self.assert_accepted(run([*argv, *call], stdin=client.stdin), server)
                server = self.serve(self.other)
                call = client.argv(server.port, self.lab, self.ca.certificate)
                self.assert_refused(run([*argv, *call], stdin=client.stdin), server, client, f"{policy}:4")


class Keys(LabTest):
    """Which key a server shows decides, and nothing else that it sends."""

    def test_another_key_of_the_same_type_is_refused(self):
        for kind in KINDS:
            one = Identity(self.lab, f"{kind}-one", kind, issuer=self.ca)
            two = Identity(self.lab, f"{kind}-two", kind, issuer=self.ca)
            for pinned, shown in ((one, one), (one, two), (two, one), (two, two)):
                policy = self.pinned(pinned)
                for tls in (12, 13):
                    for client in (CURL, CURL_K, BY_NAME["lab_client write"]):
                        with self.subTest(kind=kind, tls=tls, client=client.name, right=pinned is shown), \
                                self.serve(shown, tls=tls) as server:
                            result = self.call(client, server.port, policy)
                            if pinned is shown:
                                self.assert_accepted(result, server)
                            else:
                                self.assert_refused(result, server, client, f"{policy}:4")

    def test_an_impostor_that_appends_the_genuine_certificate_is_refused(self):
        stranger = Identity(self.lab, "stranger", subject="genuine")
        policy = self.pinned(self.genuine)
        for impostor in (self.other, stranger):
            chain = impostor.chain_with(self.genuine, self.ca)
            for client in CLIENTS:
                with self.subTest(impostor=impostor.certificate.stem, client=client.name), \
                        self.serve(impostor, chain, greet=client.greet) as server:
                    self.assert_refused(self.call(client, server.port, policy), server, client)

    def test_a_pin_is_on_top_of_what_the_program_checks(self):
        own = Identity(self.lab, "self-signed", subject="localhost")
        policy = self.pinned(own)
        with self.serve(own, own.certificate) as server:
            self.assert_accepted(self.call(CURL_K, server.port, policy), server)
        with self.serve(own, own.certificate) as server:
            self.assert_refused(self.call(CURL, server.port, policy), server, CURL)

    def test_any_of_several_pins_is_enough(self):
        policy = self.pinned_by(f"{self.other.pin},{self.genuine.pin}")
        for identity in (self.other, self.genuine):
            with self.serve(identity) as server:
                self.assert_accepted(self.call(CURL, server.port, policy), server)
        third = Identity(self.lab, "third", issuer=self.ca)
        with self.serve(third) as server:
            self.assert_refused(self.call(CURL, server.port, policy), server, CURL, f"{policy}:4")

    def test_pins_named_by_files(self):
        key = self.lab / "genuine.pub"
        key.write_bytes(run(["openssl", "x509", "-in", self.genuine.certificate, "-noout",
                             "-pubkey"]).out.encode())
        for name in (key, self.genuine.certificate, "genuine.pem"):
            with self.subTest(name=str(name)):
                policy = self.pinned_by(name)
                with self.serve(self.genuine) as server:
                    self.assert_accepted(self.call(CURL, server.port, policy), server)
                with self.serve(self.other) as server:
                    self.assert_refused(self.call(CURL, server.port, policy), server, CURL, f"{policy}:4")

    def pinned_by(self, keys):
        return self.policy((["localhost", "127.0.0.1"], keys))


class Hosts(LabTest):
    """Programs with callbacks of their own, and one that shakes hands under the loader's lock."""

    def seen_by_host(self, result, word):
        lines = [line for line in result.out.splitlines() if line.startswith(word)]
        self.assertTrue(lines, result)
        return lines

    def test_an_own_verify_callback_is_called_as_without_us_and_governed(self):
        policy = self.pinned(self.genuine)
        for program in ("lab_linked", "lab_client"):
            for drive in ("connect", "handshake", "write", "bio"):
                client = lab_client(program, "--callback", "--drive", drive)
                with self.subTest(program=program, drive=drive):
                    with self.serve(self.genuine) as server:
                        alone = self.call(client, server.port, None, graft=False)
                        self.assert_accepted(alone, server)
                        grafted = self.call(client, server.port, policy)
                        self.assert_accepted(grafted, server)
                    self.assertEqual(["callback calls 1 argument right"], self.seen_by_host(alone, "callback"))
                    self.assertEqual(self.seen_by_host(alone, "callback"),
                                     self.seen_by_host(grafted, "callback"))
                    with self.serve(self.other) as server:
                        refused = self.call(client, server.port, policy)
                        self.assert_no_data(refused, server)
                    self.assertEqual(1, refused.status, refused)
                    self.assertEqual(self.seen_by_host(alone, "callback"),
                                     self.seen_by_host(refused, "callback"))

    def test_an_own_info_callback_is_called_as_without_us(self):
        policy = self.pinned(self.genuine)
        client = lab_client("lab_linked", "--info")
        with self.serve(self.genuine) as server:
            alone = self.call(client, server.port, None, graft=False)
            self.assert_accepted(alone, server)
            grafted = self.call(client, server.port, policy)
            self.assert_accepted(grafted, server)
        self.assertEqual(self.seen_by_host(alone, "info"), self.seen_by_host(grafted, "info"))
        with self.serve(self.other) as server:
            self.assert_refused(self.call(client, server.port, policy), server, client, f"{policy}:4")

    def test_an_info_callback_set_through_dlsym_does_not_lift_the_policy(self):
        policy = self.pinned(self.genuine)
        for options in (["--info"], ["--info", "--callback"]):
            for drive in ("connect", "write"):
                with self.subTest(options=options, drive=drive), self.serve(self.other) as server:
                    client = lab_client("lab_client", *options, "--drive", drive)
                    result = self.call(client, server.port, policy)
                    self.assert_no_data(result, server)
                    self.assertEqual(1, result.status, result)

    def test_a_plugin_whose_constructor_waits_for_a_handshake_does_not_hang(self):
        host = [LAB / "lab_plugin_host", LAB / "liblab_plugin.so"]
        policy = self.pinned(self.genuine)
        with self.serve(self.genuine) as server:
            result = self.graft(host, policy, env={"LAB_PORT": str(server.port)}, patience=30)
            self.assert_accepted(result, server)
            self.assertIn("plugin 0\nhost done", result.out, result)
        with self.serve(self.other) as server:
            result = self.graft(host, policy, env={"LAB_PORT": str(server.port)}, patience=30)
            self.assert_no_data(result, server)
            self.assertIn("plugin 1\nhost done", result.out, result)


class Events(LabTest):
    """What is told of a refusal, and report mode."""

    ORDER = ("event level message timestamp cert_id cert_name expires_at expired_at days_remaining "
             "days_since_expiry cert_role domain port peer_address rule mode reason presented expected program "
             "pid policy suppressed").split()
    NEEDED = set("event level message timestamp domain rule mode reason presented expected program pid "
                 "policy".split())

    def setUp(self):
        self.log = self.lab / "events.jsonl"
        self.log.unlink(missing_ok=True)

    def check_event(self, event, policy, mode):
        self.assertEqual([key for key in self.ORDER if key in event], list(event))
        self.assertEqual(set(), self.NEEDED - set(event))
        expected = {
            "event": "PinMismatch", "level": "error", "domain": "localhost", "rule": f"{policy}:4", "mode": mode,
            "reason": "mismatch", "presented": [self.other.pin], "expected": [self.genuine.pin],
            "program": "/usr/bin/curl", "policy": str(policy)}
        self.assertEqual(expected, {key: event[key] for key in expected})
        self.assertRegex(event["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertIsInstance(event["pid"], int)
        optional = {"peer_address": "127.0.0.1", "cert_role": "server", "cert_name": "other"}
        for key, value in optional.items():
            self.assertEqual(value, event.get(key, value))

    def test_a_refusal_raises_an_event(self):
        policy = self.pinned(self.genuine, sinks=f'file = "{self.log}";')
        server = self.serve(self.other)
        self.assert_refused(self.call(CURL, server.port, policy), server, CURL, f"{policy}:4")
        events = self.events(self.log)
        self.assertEqual(1, len(events), events)
        self.check_event(events[0], policy, "enforce")
        self.assertEqual(server.port, events[0].get("port", server.port))
        self.assertEqual(0o640, self.log.stat().st_mode & 0o777)

    def test_an_accepted_server_raises_none(self):
        policy = self.pinned(self.genuine, sinks=f'file = "{self.log}";')
        server = self.serve(self.genuine)
        self.assert_accepted(self.call(CURL, server.port, policy), server)
        self.assertEqual([], self.events(self.log))

    def test_in_report_mode_the_event_comes_and_the_connection_goes_on(self):
        sinks = f'file = "{self.log}";'
        rule = (["localhost", "127.0.0.1"], self.genuine.pin)
        for policy in (self.pinned(self.genuine, mode="report", sinks=sinks),
                       self.policy((*rule, 'mode = "report";'), sinks=sinks, name="rule.cfg")):
            for client in CLIENTS:
                with self.subTest(policy=policy.name, client=client.name), \
                        self.serve(self.other, greet=client.greet) as server:
                    self.log.unlink(missing_ok=True)
                    self.assert_accepted(self.call(client, server.port, policy), server)
                    events = self.events(self.log)
                    self.assertEqual(["PinMismatch"], [event["event"] for event in events])
                    self.assertEqual("report", events[0]["mode"])
                    if client is CURL:
                        self.check_event(events[0], policy, "report")

    def test_mode_off_is_as_if_there_were_no_rules(self):
        policy = self.pinned(self.genuine, mode="off", sinks=f'file = "{self.log}";')
        for client in CLIENTS:
            with self.subTest(client=client.name), self.serve(self.other, greet=client.greet) as server:
                self.assert_accepted(self.call(client, server.port, policy), server)
        self.assertEqual([], self.events(self.log))

    def test_the_stderr_sink(self):
        policy = self.pinned(self.genuine, mode="report", sinks="stderr = true;")
        server = self.serve(self.other)
        result = self.call(CURL, server.port, policy, env={"TLSGRAFT_LOG": "off"})
        self.assert_accepted(result, server)
        self.assertRegex(result.err, r'(?m)^\{"event": ?"PinMismatch".*\}$')

    def test_the_log_is_obeyed(self):
        policy = self.pinned(self.genuine, sinks=f'file = "{self.log}";')
        words = re.escape(f"{policy}:4")
        for level, where in (("off", None), ("error", None), ("error", self.lab / "log.txt")):
            with self.subTest(level=level, where=where):
                server = self.serve(self.other)
                env = {"TLSGRAFT_LOG": level}
                if where is not None:
                    env["TLSGRAFT_LOG_FILE"] = str(where)
                result = self.call(CURL, server.port, policy, env=env)
                self.assert_refused(result, server, CURL)
                self.assertEqual(level == "error" and where is None, re.search(words, result.err) is not None)
                if where is not None:
                    self.assertRegex(where.read_text(), words)


class Servers(LabTest):
    """A connection that the program accepts as a server is none of the policy's business."""

    ACCEPT = """
import socket, ssl, sys
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=sys.argv[3])
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.verify_mode = ssl.CERT_REQUIRED
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
secure = context.wrap_socket(listener.accept()[0], server_side=True)
secure.recv(4096)
secure.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nhello from the lab\\n")
secure.close()
"""

    def policies(self):
        invalid = self.lab / "invalid.cfg"
        invalid.write_text("version = 99;\n")
        return [self.policy(("*", self.genuine.pin)), invalid]

    def visit(self, argv, policy, port_pattern, *options):
        """Starts a server with the library, visits it with a plain curl, returns what curl did."""
        with self.background(argv, policy) as server:
            port = None
            for line in server.stdout:
                if found := re.search(port_pattern, line):
                    port = found.group(1)
                    break
            self.assertIsNotNone(port, "the server ended before it listened")
            return run(["curl", "-sS", "--cacert", self.ca.certificate, *options, f"https://localhost:{port}/"])

    def test_openssl_s_server(self):
        for policy in self.policies():
            for verify in ([], ["-Verify", "1", "-verify_return_error", "-CAfile", self.ca.certificate]):
                argv = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-naccept", "1",
                        "-cert", self.genuine.certificate, "-key", self.genuine.key, *verify]
                with self.subTest(policy=policy.name, verify=bool(verify)):
                    mine = ["--cert", self.other.certificate, "--key", self.other.key]
                    result = self.visit(argv, policy, r"^ACCEPT \S+:(\d+)$", *mine)
                    self.assertEqual(0, result.status, result)
                    self.assertIn("s_server", result.out, result)

    def test_python_server_that_verifies_its_clients(self):
        argv = [PYTHON, "-c", self.ACCEPT, self.genuine.certificate, self.genuine.key, self.ca.certificate]
        for policy in self.policies():
            with self.subTest(policy=policy.name):
                mine = ["--cert", self.other.certificate, "--key", self.other.key]
                result = self.visit(argv, policy, r"^(\d+)$", *mine)
                self.assertIn(GREETING, result.out, result)
            with self.subTest(policy=policy.name, client="stranger"):
                stranger = Identity(self.lab, "stranger")
                mine = ["--cert", stranger.certificate, "--key", stranger.key]
                result = self.visit(argv, policy, r"^(\d+)$", *mine)
                self.assertNotEqual(0, result.status, result)


if __name__ == "__main__":
    main()
