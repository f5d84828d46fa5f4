"""`tlsgraft policy explain` tells the truth: what it says of a host is what real handshakes with it come to.

Every case asks explain, derives from its answer alone what must happen, and compares that with what a real client
does whom a server shows three keys, one after the other: two of the CA's, and a self-signed one.
"""
import datetime
import json
import os
import pathlib
import shutil
import socket

from keys import Identity
from lab import COMMAND, GREETING, PYTHON, LabTest, main, run
from names import STREAMS, NamedMachine
from server import TlsServer

NAMES = ("a.one.lab a.b.one.lab a.deep.many.lab a.many.lab billing.lab chain.lab deep.many.lab elsewhere.lab exact.lab "
         "gone.lab half.lab known.lab many.lab min.lab none.lab off.lab off.many.lab old.lab on.lab one.lab other.lab "
         "pin.lab ports.lab quiet.lab require.lab strict.lab").split()

# HOST PORT CA: sends the name, if it is one. CA: verifies; else it takes every certificate.
CLIENT = """
import socket, ssl, sys
host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca) if ca else ssl._create_unverified_context()
with socket.create_connection((host, port)) as plain:
    with context.wrap_socket(plain, server_hostname=host if host[-1].isalpha() else None) as secure:
        secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        while part := secure.recv(4096):
            sys.stdout.write(part.decode())
"""

# Ports: P, Q and R of 127.0.0.1, TWELVE of one that speaks TLS 1.2 alone; X, Y and Z of other addresses.
STRICT = """version = 1;
unmatched = "report";
security: { pinned_public_keys = (
  { domain = "exact.lab:@P@"; keys = "@A@"; },
  { domain = "Exact.LAB."; keys = "@B@"; },
  { domain = "*.one.lab:@P@"; keys = "@A@"; mode = "report"; },
  { domain = "*.one.lab"; keys = "@A@"; },
  { domain = "**.many.lab"; keys = "@A@"; },
  { domain = "**.deep.many.lab:@P@"; keys = "@B@"; },
  { domain = [ "**.deep.many.lab", "unused.lab" ]; keys = [ "@A@", "@B@" ]; },
  { domain = "off.many.lab"; mode = "off"; },
  { domain = "*:@Q@"; keys = "@A@"; },
  { domain = "127.0.0.3"; keys = "@A@"; },
  { domain = "[::1]"; keys = "@A@"; mode = "report"; },
  { domain = "127.0.0.4:@Y@"; keys = "@B@"; },
  { domain = "ports.lab:@P@"; keys = "@A@"; },
  { domain = "ports.lab:1"; keys = "@B@"; },
  { domain = "min.lab"; min_version = "1.3"; },
  { domain = "chain.lab"; keys = "ca.pem"; target = "chain"; ca_file = "ca.pem"; },
  { domain = "require.lab"; keys = "@A@,@C@"; verify = "require"; ca_file = "ca.pem"; },
  { domain = "pin.lab"; keys = "@C@"; verify = "pin"; },
  { domain = "old.lab"; keys = "@A@"; expires = "2020-01-01"; min_version = "1.3"; },
  { domain = "gone.lab"; keys = "@A@"; expires = "2020-01-01"; after_expiry = "refuse"; },
  { domain = "half.lab"; keys = [ "none.pem", "@A@" ]; },
  { domain = "none.lab"; keys = "none.pem"; }
); };
programs = (
  { name = "web"; match = [ "nobody", "curl" ]; pinned_public_keys = (
    { domain = "*.many.lab"; keys = "@B@"; },
    { domain = "exact.lab:1"; keys = "@A@"; },
    { domain = "other.lab:@P@"; mode = "off"; } ); },
  { name = "copies"; match = "@LAB@/bin/*"; pinned_public_keys = (
    { domain = "exact.lab:@P@"; keys = "@B@"; mode = "report"; },
    { domain = "other.lab:1"; keys = "@B@"; } ); },
  { name = "billing"; match = "billing"; pinned_public_keys = ( { domain = "*"; keys = "@B@"; } ); },
  { name = "legacy"; match = "legacy*"; certificate_pinning_disabled = true;
    pinned_public_keys = ( { domain = "*"; keys = "@B@"; } ); },
  { name = "late"; match = "curl"; pinned_public_keys = ( { domain = "*"; mode = "off"; } ); }
);
"""
REPORTING = """version = 1;
mode = "report"; unmatched = "refuse"; unnamed = "refuse";
security: { pinned_public_keys = (
  { domain = "*"; keys = "@A@"; },
  { domain = "*:@P@"; keys = "@B@"; mode = "enforce"; },
  { domain = "strict.lab"; keys = "@A@"; mode = "enforce"; },
  { domain = "off.lab"; mode = "off"; }
); };
"""
OFF = """version = 1;
mode = "off"; unmatched = "refuse"; unnamed = "refuse";
security: { pinned_public_keys = (
  { domain = "on.lab"; keys = "@A@"; mode = "enforce"; },
  { domain = "quiet.lab"; keys = "@A@"; }
); };
"""
CLOSED = """version = 1;
unmatched = "refuse"; unnamed = "refuse";
security: { pinned_public_keys = ( { domain = "known.lab"; keys = "@A@"; } ); };
"""


class ChangingServer(TlsServer):
    def show(self, chain, key):
        self._context.load_cert_chain(chain, key)


class Agreement(NamedMachine, LabTest):
    hosts = f"127.0.0.1 localhost {' '.join(NAMES)}\n::1 localhost\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = "DNS:localhost,IP:127.0.0.1,DNS:require.lab,DNS:pin.lab"
        cls.shown = [Identity(cls.lab, "a", issuer=cls.ca, names=names),
                     Identity(cls.lab, "b", issuer=cls.ca, names=names), Identity(cls.lab, "c", names=names)]
        cls.chains = [who.chain_with(cls.ca) for who in cls.shown[:2]] + [cls.shown[2].certificate]
        (cls.lab / "bin").mkdir()
        cls.copy = pathlib.Path(shutil.copy("/usr/bin/curl", cls.lab / "bin/fetcher"))
        for file in cls.lab.glob("*.pem"):
            file.chmod(0o644)
        cls.events_file = cls.lab / "events.jsonl"
        where = {"P": {}, "Q": {}, "R": {}, "TWELVE": {"tls": 12}, "X": {"host": "127.0.0.3"},
                 "Y": {"host": "127.0.0.4"}, "Z": {"host": "::1"}}
        cls.servers = {}
        for name, options in where.items():
            cls.servers[name] = ChangingServer(cls.chains[0], cls.shown[0].key, **options)
            cls.addClassCleanup(cls.servers[name].close)

    def write(self, text):
        for name, who in zip("ABC", self.shown):
            text = text.replace(f"@{name}@", who.pin)
        for name, server in self.servers.items():
            text = text.replace(f"@{name}@", str(server.port))
        path = self.lab / "policy.cfg"
        path.write_text(text.replace("@LAB@", str(self.lab)) + f'events: {{ file = "{self.events_file}"; }};\n')
        path.chmod(0o600)
        return path

    # What explain says

    def explain(self, policy, host, port, program):
        words = [COMMAND, "--policy", policy, "policy", "explain", "--json"]
        if program is not None:
            words += ["--program", program]
        if port is not None:
            host = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        result = run([*words, host])
        answer = json.loads(result.out)
        self.assertEqual(0 if "pin_rule" in answer else 1, result.status, result)
        self.assertEqual(port, answer.get("port"))
        return answer

    def issuer_pins(self, who):
        return [] if who is self.shown[2] else [self.ca.pin]

    def failure(self, rule, who, tls):
        """By this rule, why a server fails that shows this key, and the mode then; None: it does not fail."""
        mode = rule["mode"]
        if mode == "off":
            return None
        if tls < rule.get("min_version", ""):
            return "version", mode
        pinned = who.pin in rule["pins"]
        if rule["target"] == "chain":
            pinned = pinned or any(pin in rule["pins"] for pin in self.issuer_pins(who))
        asks = rule["pins"] or "unresolved" in rule
        expired = "expires" in rule and rule["expires"] <= str(datetime.datetime.now(datetime.timezone.utc).date())
        self.assertEqual(expired, rule.get("expired", False))
        if expired and rule["after_expiry"] == "refuse":
            return "expired", mode
        if asks and not pinned:
            return "mismatch" if rule["pins"] else "unresolved", "report" if expired else mode
        if rule["verify"] == "require" and not self.issuer_pins(who):
            return "verification", mode
        return None

    def predict(self, answer, who, tls, named):
        """Is it refused, and what the event says; None: no event."""
        rule = answer.get("pin_rule")
        if rule is None:
            about = answer["unmatched" if named else "unnamed"]
            event = None if about == "allow" else {"event": "PeerUnmatched" if named else "PeerUnnamed"}
            return about == "refuse", event
        failed = self.failure(rule, who, tls)
        if failed is None:
            return False, None
        reason, mode = failed
        return mode == "enforce", {"event": "PinMismatch", "reason": reason, "rule": rule["rule"], "mode": mode,
                                   "expected": rule["pins"]}

    def check_outcome(self, answer, refused, event):
        """Its last sentence is no other than the rest."""
        words = answer["outcome"]
        if event is not None and refused:
            self.assertIn("refused", words)
        elif event is not None:
            self.assertIn("reported", words)
        if "pin_rule" not in answer and not refused:
            self.assertIn("not checked", words)

    # What happens

    def client(self, kind, host, port):
        """A real program: its words, and its variables."""
        url = f"https://[{host}]:{port}/" if ":" in host else f"https://{host}:{port}/"
        return {
            "python": ([PYTHON, "-c", CLIENT, host, port, ""], {}),
            "careful": ([PYTHON, "-c", CLIENT, host, port, self.ca.certificate], {}),
            "billing": ([PYTHON, "-c", CLIENT, host, port, ""], {"TLSGRAFT_PROGRAM": "billing"}),
            "legacy": ([PYTHON, "-c", CLIENT, host, port, ""], {"TLSGRAFT_PROGRAM": "legacyd"}),
            "curl": (["/usr/bin/curl", "-sSkg", "--http1.1", url], {}),
            "copy": ([self.copy, "-sSkg", "--http1.1", url], {}),
            # It does not ask the resolver, and moves the bytes itself, so its port is not known.
            "portless": (["/usr/bin/curl", "-sSkg", "--http1.1", "--resolve", f"{host}:{port}:127.0.0.1", url], {}),
        }[kind]

    def programs(self, kind):
        """What --program is given for it."""
        return {"python": PYTHON, "careful": None, "billing": "billing", "legacy": "legacyd", "curl": "curl",
                "copy": self.copy, "portless": "/usr/bin/curl"}[kind]

    def observe(self, argv, env, policy, server):
        """Was it refused, and the event; there must not be two of them."""
        self.events_file.unlink(missing_ok=True)
        result = self.on_named_machine(argv, policy, env=env)
        seen = server.next()
        self.assertIsNotNone(seen, f"it did not connect: {result}")
        refused = GREETING not in result.out
        self.assertEqual(refused, seen.data == b"", (seen, result))
        self.assertEqual(refused, result.status != 0, result)
        events = [event for event in self.events(self.events_file) if event["event"] != "PinUnresolved"]
        self.assertLessEqual(len(events), 1, events)
        return refused, events[0] if events else None, result

    def compare(self, policy, answer, argv, env, at, named):
        server = self.servers[at]
        tls = "1.2" if at == "TWELVE" else "1.3"
        for who, chain in zip(self.shown, self.chains):
            with self.subTest(key=who.key.stem):
                server.show(chain, who.key)
                refused, event, result = self.observe(argv, env, policy, server)
                expected_refused, expected = self.predict(answer, who, tls, named)
                self.assertEqual(expected_refused, refused, (answer, event, result))
                self.assertEqual(expected is None, event is None, (answer, event, result))
                if expected is not None:
                    self.assertEqual(expected, {key: event.get(key) for key in expected}, (answer, event, result))
                self.check_outcome(answer, refused, event)

    def agree(self, text, *cases):
        """Each case: the client, the host, and the server by its port's name."""
        policy = self.write(text)
        for kind, host, at in cases:
            with self.subTest(client=kind, host=host, at=at):
                port = self.servers[at].port
                argv, env = self.client(kind, host, port)
                answer = self.explain(policy, host, None if kind == "portless" else port, self.programs(kind))
                self.compare(policy, answer, argv, env, at, host[-1].isalpha())

    def test_names_and_wildcards(self):
        self.agree(STRICT, *(("python", host, at) for host, at in (
            ("exact.lab", "P"), ("EXACT.lab", "R"), ("exact.lab", "Q"), ("a.one.lab", "P"), ("a.one.lab", "R"),
            ("a.b.one.lab", "P"), ("one.lab", "R"), ("a.many.lab", "P"), ("many.lab", "P"), ("deep.many.lab", "P"),
            ("a.deep.many.lab", "P"), ("a.deep.many.lab", "R"), ("off.many.lab", "P"), ("off.many.lab", "Q"),
            ("elsewhere.lab", "Q"), ("elsewhere.lab", "R"), ("ports.lab", "P"), ("ports.lab", "R"))))

    def test_addresses(self):
        self.agree(STRICT, *(("python", host, at) for host, at in (
            ("127.0.0.3", "X"), ("127.0.0.4", "Y"), ("::1", "Z"), ("127.0.0.1", "R"), ("127.0.0.1", "Q"))))

    def test_settings(self):
        self.agree(STRICT, *(("python", host, at) for host, at in (
            ("min.lab", "P"), ("min.lab", "TWELVE"), ("chain.lab", "P"), ("require.lab", "P"), ("old.lab", "P"),
            ("old.lab", "TWELVE"), ("gone.lab", "P"), ("half.lab", "P"), ("none.lab", "P"))),
                   ("careful", "pin.lab", "P"))

    def test_a_port_that_is_not_known(self):
        self.agree(STRICT, *(("portless", host, "R") for host in (
            "exact.lab", "a.one.lab", "a.deep.many.lab", "off.many.lab", "ports.lab", "elsewhere.lab", "other.lab")))

    def test_programs(self):
        self.agree(STRICT, ("curl", "a.many.lab", "P"), ("curl", "a.deep.many.lab", "P"), ("curl", "exact.lab", "P"),
                   ("curl", "other.lab", "P"), ("curl", "other.lab", "Q"), ("copy", "exact.lab", "P"),
                   ("copy", "exact.lab", "R"), ("copy", "a.many.lab", "P"), ("billing", "exact.lab", "P"),
                   ("billing", "elsewhere.lab", "R"), ("billing", "off.many.lab", "P"), ("legacy", "exact.lab", "P"),
                   ("legacy", "elsewhere.lab", "R"))

    def test_other_modes(self):
        self.agree(REPORTING, ("python", "elsewhere.lab", "R"), ("python", "elsewhere.lab", "P"),
                   ("curl", "strict.lab", "P"), ("python", "off.lab", "P"), ("python", "127.0.0.3", "X"))
        self.agree(OFF, ("python", "on.lab", "P"), ("python", "quiet.lab", "P"), ("python", "elsewhere.lab", "P"))

    def test_a_peer_of_which_nothing_is_known(self):
        """Memory BIOs and no name, while two connections are open."""
        policy = self.write(REPORTING)
        with socket.create_server(("127.0.0.2", 0)) as idle:
            words = [PYTHON, "-c", STREAMS, "127.0.0.1", self.servers["P"].port, "127.0.0.2", idle.getsockname()[1]]
            self.compare(policy, self.explain(policy, "*", None, os.path.realpath(PYTHON)), words, {}, "P", False)

    def test_nothing_leaves_to_those_that_are_not_known(self):
        policy = self.write(CLOSED)
        self.agree(CLOSED, ("python", "known.lab", "P"))
        for host in ("elsewhere.lab", "127.0.0.1"):
            with self.subTest(host=host), self.count_bytes() as listener:
                answer = self.explain(policy, host, listener.port, PYTHON)
                refused, event = self.predict(answer, self.shown[0], "1.3", host[-1].isalpha())
                self.assertTrue(refused, answer)
                self.events_file.unlink(missing_ok=True)
                argv, env = self.client("python", host, listener.port)
                result = self.on_named_machine(argv, policy, env=env)
                self.assertEqual(0, listener.next(), result)
                self.assertEqual([event["event"]], [seen["event"] for seen in self.events(self.events_file)], result)
                self.assertIn("the connection is refused", answer["outcome"])


if __name__ == "__main__":
    main()
